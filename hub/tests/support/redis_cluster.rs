//! A Redis Cluster for a test: three masters, each with a replica if that is wanted.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::redis::{Redis, free_port};

const MASTERS: usize = 3;
const SLOTS: usize = 16_384;

pub struct Cluster {
    nodes: Vec<Redis>,
    ids: Vec<String>,
}

impl Cluster {
    /// `None`, with a word, where Redis is not installed.
    pub fn start(has_replicas: bool) -> Option<Cluster> {
        let count = if has_replicas { 2 * MASTERS } else { MASTERS };
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..count {
            let bus = free_port();
            let settings = format!(
                "--cluster-enabled yes --cluster-config-file nodes.conf --cluster-port {bus} \
                 --cluster-announce-ip 127.0.0.1 --cluster-node-timeout 2000 --cluster-replica-validity-factor 0 \
                 --repl-diskless-sync-delay 0"
            );
            nodes.push(Redis::with(settings.split_whitespace().map(str::to_owned).collect())?);
            buses.push(bus);
        }
        let mut cluster = Cluster { nodes, ids: Vec::new() };
        cluster.ids = (0..count).map(|node| cluster.told(node, "CLUSTER MYID")).collect();
        for master in 0..MASTERS {
            let (first, last) = (SLOTS * master / MASTERS, SLOTS * (master + 1) / MASTERS - 1);
            cluster.tell(master, &format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
        }
        for (node, bus) in buses.iter().enumerate() {
            cluster.tell(node, &format!("CLUSTER SET-CONFIG-EPOCH {}", node + 1));
            if node > 0 {
                cluster.tell(0, &format!("CLUSTER MEET 127.0.0.1 {} {bus}", cluster.port(node)));
            }
        }
        let known = format!("cluster_known_nodes:{count}");
        cluster.until(|cluster, node| cluster.told(node, "CLUSTER INFO").contains(&known));
        for replica in MASTERS..count {
            cluster.tell(replica, &format!("CLUSTER REPLICATE {}", cluster.ids[replica - MASTERS]));
        }
        cluster.until(|cluster, node| {
            cluster.told(node, "CLUSTER INFO").contains("cluster_state:ok")
                && cluster.told(node, "CLUSTER NODES").matches(" slave ").count()
                    + cluster.told(node, "CLUSTER NODES").matches("myself,slave").count()
                    == count - MASTERS
                && (node < MASTERS
                    || cluster.told(node, "INFO replication").contains("master_link_status:up"))
        });
        Some(cluster)
    }

    pub fn url(&self) -> String {
        let nodes: Vec<String> =
            (0..self.nodes.len()).map(|node| format!("127.0.0.1:{}", self.port(node))).collect();
        format!("redis-cluster://{}", nodes.join(","))
    }

    /// The master that has the slot of a channel.
    pub fn master_of(&self, channel: &str) -> usize {
        let slot = self.slot_of(channel).parse::<usize>().expect("a number");
        let nodes = self.told(0, "CLUSTER NODES");
        let has_slot = |line: &&str| {
            line.split(' ').skip(8).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let (first, last) = (first.parse::<usize>(), last.parse::<usize>());
                matches!((first, last), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
            })
        };
        let line = nodes.lines().find(has_slot).expect("a master of the slot");
        let id = line.split(' ').next().expect("an id");
        self.ids.iter().position(|known| known == id).expect("one of ours")
    }

    fn slot_of(&self, channel: &str) -> String {
        self.told(0, &format!("CLUSTER KEYSLOT {channel}"))
    }

    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// As a server that is back after its replica has taken over.
    pub fn start_again(&mut self, node: usize) {
        self.nodes[node].start_again();
    }

    /// The slot of a channel moves to another master; it is empty.
    pub fn move_slot_of(&self, channel: &str) {
        let (slot, from) = (self.slot_of(channel), self.master_of(channel));
        let to = (from + 1) % MASTERS;
        self.tell(to, &format!("CLUSTER SETSLOT {slot} IMPORTING {}", self.ids[from]));
        self.tell(from, &format!("CLUSTER SETSLOT {slot} MIGRATING {}", self.ids[to]));
        for node in [to, from] {
            self.tell(node, &format!("CLUSTER SETSLOT {slot} NODE {}", self.ids[to]));
        }
    }

    fn port(&self, node: usize) -> u16 {
        let url = self.nodes[node].url();
        url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
    }

    fn until(&self, is_so: impl Fn(&Cluster, usize) -> bool) {
        let begun = Instant::now();
        while !(0..self.nodes.len()).all(|node| is_so(self, node)) {
            let told: HashMap<usize, String> =
                (0..self.nodes.len()).map(|node| (node, self.told(node, "CLUSTER INFO"))).collect();
            assert!(begun.elapsed() < Duration::from_mins(1), "the cluster does not come together: {told:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn tell(&self, node: usize, command: &str) {
        let answer = self.told(node, command);
        assert_eq!(answer, "OK", "{command}");
    }

    fn told(&self, node: usize, command: &str) -> String {
        ask(self.port(node), command).unwrap_or_else(|error| panic!("{command}: {error}"))
    }
}

fn ask(port: u16, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.read_line(&mut line)?;
    let (kind, rest) = line.trim_end().split_at(1);
    if kind != "$" {
        return Ok(rest.to_owned());
    }
    let mut text = vec![0; rest.parse().expect("a length")];
    answer.read_exact(&mut text)?;
    Ok(String::from_utf8(text).expect("text"))
}
