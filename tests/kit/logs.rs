//! What the server logs, for the tests that read it. One subscriber serves the whole binary: lines are formatted only
//! while somebody records, and are then those of every test that runs meanwhile.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, filter, fmt};

/// What logs on behalf of the server. Libraries below it are used by the tests' own clients as well.
const OURS: &[&str] = &["hub", "adapters", "axum", "tower_http"];

/// More than the longest test logs.
const MAX_BYTES: usize = 256 * 1024 * 1024;

static RECORDERS: AtomicUsize = AtomicUsize::new(0);
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// `HUBBUB_TEST_LOG=debug` shows what the server logs. Later calls do nothing.
pub fn init() {
    let shown = std::env::var("HUBBUB_TEST_LOG").ok();
    let shown = shown.map(|text| fmt::layer().with_test_writer().with_filter(EnvFilter::new(text)));
    let recorded = filter::dynamic_filter_fn(|line, _| {
        RECORDERS.load(Ordering::Relaxed) > 0 && OURS.iter().any(|module| line.target().starts_with(module))
    });
    let recorded = fmt::layer().with_ansi(false).with_writer(Recorder).with_filter(recorded);
    let _ = tracing_subscriber::registry().with(shown).with(recorded).try_init();
}

/// The server's lines are kept, at every level, until it is dropped.
pub struct Recording {
    begun_at: usize,
}

impl Recording {
    pub fn start() -> Self {
        init();
        RECORDERS.fetch_add(1, Ordering::Relaxed);
        Self { begun_at: LINES.lock().unwrap_or_else(PoisonError::into_inner).len() }
    }

    /// The lines so far.
    pub fn text(&self) -> String {
        let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(lines.len() < MAX_BYTES, "there is more in the log than is kept");
        String::from_utf8_lossy(&lines[self.begun_at..]).into_owned()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        RECORDERS.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Recorder;

impl<'a> MakeWriter<'a> for Recorder {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < MAX_BYTES {
            lines.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
