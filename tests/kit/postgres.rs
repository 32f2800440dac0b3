//! PostgreSQL for the tests: the one that `HUBBUB_TEST_POSTGRES` names, or a cluster of this process in a
//! temporary folder, which ends with it. Each test gets a database of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A new database; gives its address.
pub fn database() -> String {
    static SERVER: OnceLock<String> = OnceLock::new();
    let ours = || {
        let cluster = Cluster::start();
        let server = cluster.server.clone();
        std::mem::forget(cluster);
        server
    };
    let server = SERVER.get_or_init(|| std::env::var("HUBBUB_TEST_POSTGRES").unwrap_or_else(|_| ours()));
    database_of(server, "")
}

fn database_of(server: &str, options: &str) -> String {
    let name = format!("test_{}", uuid::Uuid::from_u128(rand_bits()).simple());
    let made = psql(server, &format!("create database {name} {options}"));
    assert!(made.status.success(), "no database: {}", String::from_utf8_lossy(&made.stderr));
    format!("{server}/{name}")
}

/// Everything that a database holds, as its owner's tool writes it down.
pub fn dump(database: &str) -> Vec<u8> {
    let dump = Command::new(bin().join("pg_dump")).arg(database).output().expect("pg_dump runs");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    dump.stdout
}

/// The same as a file, for [`restore_dump`].
pub fn dump_to(database: &str, file: &Path) {
    let mut dump = Command::new(bin().join("pg_dump"));
    dump.arg("--format=custom").arg("--file").arg(file).arg(database);
    succeeds(&dump.output().expect("pg_dump runs"));
}

/// Fills an empty database from such a file.
pub fn restore_dump(file: &Path, database: &str) {
    let mut restore = Command::new(bin().join("pg_restore"));
    restore.args(["--exit-on-error", "--no-owner", "--dbname", database]).arg(file);
    succeeds(&restore.output().expect("pg_restore runs"));
}

fn succeeds(output: &std::process::Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn rand_bits() -> u128 {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    u128::from_le_bytes(bytes)
}

fn psql(server: &str, sql: &str) -> std::process::Output {
    psql_on(&format!("{server}/postgres"), sql)
}

fn psql_on(database: &str, sql: &str) -> std::process::Output {
    let psql = bin().join("psql");
    Command::new(psql)
        .env("PGCONNECT_TIMEOUT", "5")
        .args(["-X", "-q", "-c", sql, database])
        .output()
        .expect("psql runs")
}

/// Statements on a database, as one transaction. It waits for their end.
pub fn execute(database: &str, sql: &str) {
    succeeds(&psql_on(database, sql));
}

fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: apt-get install postgresql");
    let mut found: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop().expect("PostgreSQL's server is not installed: apt-get install postgresql")
}

/// PostgreSQL refuses to run as root.
fn as_nobody(program: &Path) -> Command {
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// A cluster of its own, which ends with this value or with the process.
pub struct Cluster {
    server: String,
    data: PathBuf,
    /// Does what it is told on its input, and ends the cluster with that pipe, which only we hold.
    shell: Child,
}

/// `keep` copies the cluster; `fall` goes back to the copy as to a standby that had no more than that: on a new
/// timeline; `restart` does no more than that. `base` makes a base backup, and `recover` goes back to it and from there through
/// the archive to the restore point `here`. Each begins and ends with a server that runs. `freeze` stops it in the middle
/// of whatever it does, `die` kills it: nothing comes after the two.
const SHELL: &str = r#"
run() {
    $BIN/postgres -D $DATA -p $PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
        -c max_connections=400 "$@" >/dev/null 2>&1 &
    pid=$!
}
end() { kill -$1 $pid 2>/dev/null; wait $pid; }
run "$@"
while read -r order; do
    case $order in
        base) $BIN/pg_basebackup -D $DATA.base -h 127.0.0.1 -p $PORT -U hub --checkpoint=fast ;;
        # The one that makes others first.
        freeze) kill -STOP $pid; kill -STOP $(pgrep -P $pid); continue ;;
        die) kill -KILL $pid; wait $pid; continue ;;
    esac
    end INT
    case $order in
        keep) cp -R $DATA $DATA.kept ;;
        fall) rm -rf $DATA; mv $DATA.kept $DATA; touch $DATA/recovery.signal ;;
        recover)
            rm -rf $DATA
            mv $DATA.base $DATA
            touch $DATA/recovery.signal
            set -- "$@" -c recovery_target_name=here -c recovery_target_action=promote
            ;;
    esac
    run "$@"
done
kill -CONT $pid $(pgrep -P $pid) 2>/dev/null
end QUIT
rm -rf ${DATA%/*}
"#;

/// For a server that looks for nothing but what is in its own folder.
const NO_ARCHIVE: &str = "restore_command=false";

impl Cluster {
    pub fn start() -> Self {
        Self::with(|_| vec![NO_ARCHIVE.to_owned()])
    }

    /// One that archives its log.
    pub fn archiving() -> Self {
        Self::with(|folder| {
            let archive = folder.join("archive");
            std::fs::create_dir(&archive).expect("a folder");
            let archive = archive.display();
            vec![
                "archive_mode=on".to_owned(),
                format!("archive_command=cp %p {archive}/%f"),
                format!("restore_command=cp {archive}/%f %p"),
            ]
        })
    }

    fn with(settings: impl Fn(&Path) -> Vec<String>) -> Self {
        let folder = tempfile::Builder::new().prefix("hubbub-postgres-").tempdir().expect("a folder").keep();
        let data = folder.join("data");
        std::fs::create_dir(&data).expect("a folder");
        let settings = settings(&folder);
        let _ = Command::new("chown").args(["-R", "65534:65534"]).arg(&folder).status();
        let made = as_nobody(&bin().join("initdb"))
            .args(["-U", "hub", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
            .arg(&data)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let cluster = Self::run(data, settings);
        cluster.wait();
        cluster
    }

    fn run(data: PathBuf, settings: Vec<String>) -> Self {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            free.local_addr().expect("its address").port().to_string()
        };
        let mut shell = as_nobody(Path::new("/bin/sh"));
        shell.args(["-c", SHELL, "sh"]);
        for setting in settings {
            shell.args(["-c".to_owned(), setting]);
        }
        shell.env("BIN", bin()).env("DATA", &data).env("PORT", &port);
        let shell = shell.stdin(Stdio::piped()).spawn().expect("a shell");
        Self { server: format!("postgres://hub@127.0.0.1:{port}"), data, shell }
    }

    /// A standby that has every commit before its caller hears of it.
    pub fn standby(&self) -> Self {
        let standby = self.follower();
        for sql in ["alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"] {
            self.run_sql(sql);
        }
        let in_step = "select 1 / (count(*) = 1)::int from pg_stat_replication where sync_state = 'sync'";
        wait_until(|| psql(&self.server, in_step).status.success());
        standby
    }

    /// A standby that nobody waits for.
    pub fn follower(&self) -> Self {
        let data = self.data.with_file_name("standby").join("data");
        let folder = data.parent().expect("a folder");
        std::fs::create_dir(folder).expect("a folder");
        let _ = Command::new("chown").args(["65534:65534"]).arg(folder).status();
        let copied = as_nobody(&bin().join("pg_basebackup"))
            .args([
                "--no-password",
                "--write-recovery-conf",
                "--checkpoint=fast",
                "-X",
                "stream",
                "-d",
                &self.server,
                "-D",
            ])
            .arg(&data)
            .output()
            .expect("pg_basebackup runs");
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        let standby = Self::run(data, vec![NO_ARCHIVE.to_owned()]);
        wait_until(|| psql(&standby.server, "select 1").status.success());
        standby
    }

    /// Another server's database as it is called here.
    pub fn address_of(&self, database: &str) -> String {
        let (_, name) = database.rsplit_once('/').expect("a name");
        format!("{}/{name}", self.server)
    }

    pub fn run_sql(&self, sql: &str) {
        succeeds(&psql(&self.server, sql));
    }

    /// Whether a condition holds on the server.
    pub fn holds(&self, condition: &str) -> bool {
        psql(&self.server, &format!("select 1 / ({condition})::int")).status.success()
    }

    /// A standby becomes the server that takes writes.
    pub fn promote(&self) {
        let promoted = psql(&self.server, "select pg_promote()");
        assert!(promoted.status.success(), "{}", String::from_utf8_lossy(&promoted.stderr));
        self.wait();
    }

    /// A new database on both servers, at the address of both.
    pub fn database_on_both(&self, standby: &Self) -> String {
        let hosts = |server: &str| server.rsplit_once('@').expect("a user").1.to_owned();
        let both = format!("{},{}", self.server, hosts(&standby.server));
        database_of(&both, "")
    }

    /// The server is killed, and does not come back.
    pub fn die(&mut self) {
        self.tell("die");
        wait_until(|| !psql(&self.server, "select 1").status.success());
    }

    /// The server stands still in the middle of what it does, its port open.
    pub fn freeze(&mut self) {
        self.tell("freeze");
    }

    fn tell(&mut self, order: &str) {
        let orders = self.shell.stdin.as_mut().expect("its input");
        writeln!(orders, "{order}").expect("the shell listens");
    }

    pub fn database(&self) -> String {
        database_of(&self.server, "")
    }

    /// One made with these options.
    pub fn database_with(&self, options: &str) -> String {
        database_of(&self.server, options)
    }

    pub fn restart(&mut self) {
        self.order("restart");
    }

    /// Remembers what is committed now.
    pub fn keep(&mut self) {
        self.order("keep");
    }

    /// A server with what was kept and nothing after it takes its place.
    pub fn fall_back(&mut self) {
        self.order("fall");
    }

    /// Makes a base backup.
    pub fn base(&mut self) {
        self.order("base");
    }

    /// Names the present moment, and goes back to it later, by the base backup and the archive.
    pub fn point(&self) {
        let done = psql(&self.server, "select pg_create_restore_point('here')");
        succeeds(&done);
    }

    pub fn recover(&mut self) {
        self.order("recover");
    }

    fn order(&mut self, order: &str) {
        let begun = |server: &str| psql(server, "select pg_postmaster_start_time()").stdout;
        let before = begun(&self.server);
        self.tell(order);
        wait_until(|| {
            let now = begun(&self.server);
            !now.is_empty() && now != before
        });
        self.wait();
    }

    fn wait(&self) {
        // The division fails as long as it recovers.
        let ready = "select 1 / (not pg_is_in_recovery())::int";
        wait_until(|| psql(&self.server, ready).status.success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn wait_until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "PostgreSQL does not start");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}
