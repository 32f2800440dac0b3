//! A Redis server for a test, on a free port, with its data in a temporary folder. It ends with this value or with the
//! process. Shared with the tests of the whole server.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

pub struct Redis {
    port: u16,
    folder: PathBuf,
    settings: Vec<String>,
    /// A file in the folder that the server reads, and writes.
    configuration: Option<&'static str>,
    running: Option<Running>,
}

/// The server is killed when the pipe to its shell ends, which only we hold.
struct Running {
    shell: Child,
    pipe: Option<ChildStdin>,
    pid: u32,
}

const SCRIPT: &str = r#"folder="$1"
shift
redis-server ${CONFIGURATION:+"$CONFIGURATION"} --bind 127.0.0.1 --port "$0" --dir "$folder" --save '' --appendonly no "$@" >/dev/null 2>&1 &
echo $!
cat >/dev/null
kill -9 $! 2>/dev/null
wait $! 2>/dev/null"#;

impl Redis {
    /// `None`, with a word, where the server is not installed; in CI that is a failure.
    pub fn start() -> Option<Redis> {
        Redis::with(Vec::new())
    }

    /// `settings`: further arguments of the server.
    pub fn with(settings: Vec<String>) -> Option<Redis> {
        let mut redis = Redis::at_rest(settings)?;
        redis.start_again();
        Some(redis)
    }

    /// A Sentinel that watches the server under the name `main`. `settings`: further lines of its file.
    pub fn sentinel_of(watched: &Redis, settings: &str) -> Option<Redis> {
        let mut redis = Redis::at_rest(vec!["--sentinel".to_owned()])?;
        let configuration = format!("sentinel monitor main 127.0.0.1 {} 1\n{settings}\n", watched.port);
        std::fs::write(redis.folder.join("sentinel.conf"), configuration).expect("written");
        redis.configuration = Some("sentinel.conf");
        redis.start_again();
        Some(redis)
    }

    fn at_rest(settings: Vec<String>) -> Option<Redis> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        if Command::new("redis-server").arg("--version").output().is_err() {
            assert!(
                std::env::var_os("CI").is_none(),
                "redis-server is not installed: apt-get install redis-server"
            );
            eprintln!("left out: redis-server is not installed");
            return None;
        }
        let name = format!("hubbub-redis-{}-{}", std::process::id(), STARTED.fetch_add(1, Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Some(Redis { port: free_port(), folder, settings, configuration: None, running: None })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// After [`Redis::kill`], at the same address, with nothing in it.
    pub fn start_again(&mut self) {
        let folder = self.folder.display().to_string();
        let configuration = self.configuration.map(|name| self.folder.join(name)).unwrap_or_default();
        let mut shell = Command::new("sh")
            .env("CONFIGURATION", configuration)
            .args(["-c", SCRIPT, &self.port.to_string(), &folder])
            .args(&self.settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let mut pid = String::new();
        let out = shell.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut pid).expect("the id of the server");
        let pipe = shell.stdin.take();
        self.running = Some(Running { shell, pipe, pid: pid.trim().parse().expect("a number") });
        let begun = Instant::now();
        while !self.answers() {
            assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut answer = String::new();
        stream.write_all(b"PING\r\n").is_ok()
            && BufReader::new(stream).read_line(&mut answer).is_ok()
            && (answer.starts_with("+PONG") || answer.starts_with("-NOAUTH"))
    }

    pub fn kill(&mut self) {
        drop(self.running.take());
    }

    /// An inline command, which answers `+OK`.
    pub fn command(&self, command: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        let mut answer = String::new();
        stream.write_all(format!("{command}\r\n").as_bytes()).expect("written");
        BufReader::new(stream).read_line(&mut answer).expect("answered");
        assert_eq!(answer.trim_end(), "+OK", "{command}");
    }

    /// It keeps its connections, and answers nothing until [`Redis::resume`].
    pub fn pause(&mut self) {
        self.signal("-STOP");
    }

    pub fn resume(&mut self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.running.as_ref().expect("it runs").pid.to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port()
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
