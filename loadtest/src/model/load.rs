//! Places sessions on nodes and sums what each node gets.

use super::args::Args;
use crate::clock::Dice;

/// A second of an installation.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Load {
    pub sessions: f64,
    pub events: f64,
    pub largest_sessions: f64,
    pub largest_events: f64,
    /// Mean over the nodes.
    pub topics_of_a_node: f64,
    /// Mean over the events: how many nodes get one.
    pub nodes_of_a_topic: f64,
    /// Events a second on the busiest of the database servers and buses, by tenants.
    pub database_events: f64,
    pub bus_events: f64,
    /// Copies of events a second that the busiest bus hands to nodes.
    pub bus_copies: f64,
    pub nodes: Vec<Node>,
}

/// Rates of one node.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct Node {
    pub sessions: f64,
    pub topics: f64,
    /// Taken in over HTTP and stored; a load balancer spreads them evenly.
    pub stored: f64,
    /// Taken from the bus.
    pub received: f64,
    pub deliveries: f64,
}

impl Load {
    /// Tenant `n` has a share of all sessions and messages in proportion to `1 / n^skew`, up to a limit; each session is on a node by
    /// chance. A tenant of many sessions for each node has them on all nodes alike.
    pub fn simulate(args: &Args, dice: &mut Dice) -> Self {
        let (count, nodes) = (args.tenants, args.nodes);
        let by_law = |tenant: usize| (tenant as f64 + 1.0).powf(-args.skew);
        let most = args.largest * (0..count).map(by_law).sum::<f64>() / count as f64;
        let weight = |tenant: usize| by_law(tenant).min(most);
        let weights: f64 = (0..count).map(weight).sum();
        let all_sessions = args.managers * count as f64;
        let all_events = args.messages_per_minute / 60.0 * args.events * count as f64;
        let mut placed = vec![Node::default(); nodes];
        let mut databases = vec![0.0; args.costs.databases];
        let mut buses = vec![(0.0, 0.0); args.costs.buses];
        let (mut sessions, mut copies, mut largest_sessions) = (0.0, 0.0, 0.0_f64);
        let mut here = vec![0_u32; nodes];
        let mut touched: Vec<usize> = Vec::new();
        for tenant in 0..count {
            let share = weight(tenant) / weights;
            let events = all_events * share;
            // What is below a whole session is one by chance, so that the mean stays.
            let wanted = all_sessions * share;
            let part = dice.unit();
            let own = wanted.floor() + f64::from(u8::from(part < wanted.fract()));
            sessions += own;
            largest_sessions = largest_sessions.max(own);
            touched.clear();
            if own >= 20.0 * nodes as f64 {
                for node in &mut placed {
                    add(node, own / nodes as f64, events);
                }
                copies += events * nodes as f64;
            } else {
                for _ in 0..own as u64 {
                    let node = dice.roll(nodes as u64) as usize;
                    if here[node] == 0 {
                        touched.push(node);
                    }
                    here[node] += 1;
                }
                for &node in &touched {
                    add(&mut placed[node], f64::from(here[node]), events);
                    here[node] = 0;
                }
                copies += events * touched.len() as f64;
            }
            let reached = if own >= 20.0 * nodes as f64 { nodes } else { touched.len() };
            databases[tenant % args.costs.databases] += events;
            let bus = &mut buses[tenant % args.costs.buses];
            bus.0 += events;
            bus.1 += events * reached as f64;
        }
        for node in &mut placed {
            node.stored = all_events / nodes as f64;
        }
        let busiest = buses
            .iter()
            .copied()
            .fold((0.0, 0.0), |most: (f64, f64), bus| if bus.1 > most.1 { bus } else { most });
        Self {
            sessions,
            events: all_events,
            largest_sessions,
            largest_events: all_events * weight(0) / weights,
            topics_of_a_node: placed.iter().map(|node| node.topics).sum::<f64>() / nodes as f64,
            nodes_of_a_topic: copies / all_events,
            database_events: databases.into_iter().fold(0.0, f64::max),
            bus_events: busiest.0,
            bus_copies: busiest.1,
            nodes: placed,
        }
    }
}

fn add(node: &mut Node, sessions: f64, events: f64) {
    node.sessions += sessions;
    node.topics += 1.0;
    node.received += events;
    node.deliveries += events * sessions;
}
