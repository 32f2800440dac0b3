//! The file descriptors of the process. Every connection takes one, and so does every file of the store and every
//! outgoing call: the last ones are reserved, so that too many connections do not stop the rest of the process.
//!
//! A new descriptor gets the lowest free number (POSIX). So the number of a connection shows how many are open, without
//! a count, and a server that refuses connections with high numbers keeps those numbers free.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{net::TcpStream, time::Instant};

use crate::{lock::lock, stats::count};

/// The least time between two log lines about a shortage.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Fewer free descriptors than this are a shortage.
const FEW: usize = 8;

/// The limit of descriptors, and what the last ones are reserved for. Clones share one count.
#[derive(Clone, Debug)]
pub struct Descriptors {
    limit: usize,
    /// Connections must have numbers below this.
    connections: usize,
    /// Connections that stay (upgraded ones) must have numbers below this.
    sockets: usize,
    refusals: Arc<Refusals>,
}

#[derive(Debug, Default)]
struct Refusals {
    refused: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Descriptors {
    /// Raises the limit of the process as far as the system allows. `own` descriptors are reserved from all connections,
    /// and `passing` more from those that stay, so that requests still get through; at most a quarter and an eighth of
    /// all, where the limit is low.
    pub fn raise(own: usize, passing: usize) -> Self {
        Self::of(os::raise(), own, passing)
    }

    fn of(limit: usize, own: usize, passing: usize) -> Self {
        let connections = limit - own.min(limit / 4);
        let sockets = connections - passing.min(limit / 8);
        Descriptors { limit, connections, sockets, refusals: Arc::default() }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many refused connections may linger at a time until the client has read the answer.
    pub(crate) fn max_lingering(&self) -> usize {
        (self.limit - self.connections) / 4
    }

    /// Whether a connection may be accepted.
    pub fn may_enter(&self, stream: &TcpStream) -> bool {
        os::number(stream) < self.connections
    }

    /// Whether a connection may wait for its next request. Those that wait hold a place that nobody uses: the last quarter
    /// of the places is not for them, so that others can always come in.
    pub fn may_wait(&self, stream: &TcpStream) -> bool {
        os::number(stream) < self.sockets - self.sockets / 4
    }

    /// Whether a connection may become one that stays.
    pub fn may_stay(&self, stream: &TcpStream) -> bool {
        os::number(stream) < self.sockets
    }

    /// Whether descriptors for a few more connections that stay are missing; there may be one for the very next. Opens
    /// files to find out, so it depends on no earlier state.
    pub fn are_short(&self) -> bool {
        let probes: Vec<_> = (0..FEW).map_while(|_| Spare::take()).collect();
        probes.len() < FEW || probes.iter().any(|probe| probe.number() >= self.sockets)
    }

    /// Counts a refused connection, and logs it from time to time.
    pub fn refuse(&self) {
        count(&self.refusals.refused);
        let mut told = lock(&self.refusals.told);
        if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            let (limit, refused) = (self.limit, self.refused());
            tracing::warn!(limit, refused, "file descriptors are short: new connections are refused");
        }
    }

    /// Connections refused since the start.
    pub fn refused(&self) -> u64 {
        self.refusals.refused.load(Relaxed)
    }
}

pub(crate) use os::{Spare, is_shortage};

#[cfg(unix)]
mod os {
    use std::{
        fs::File,
        os::fd::{AsFd, AsRawFd},
    };

    use rustix::{
        io::Errno,
        process::{Resource, Rlimit, getrlimit, setrlimit},
    };

    use super::io;

    /// Returns the limit that holds from now on.
    pub(super) fn raise() -> usize {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current == maximum {
        } else if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            tracing::warn!(%error, "the limit of file descriptors could not be raised");
        }
        let now = getrlimit(Resource::Nofile).current;
        now.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
    }

    pub(super) fn number(of: impl AsFd) -> usize {
        usize::try_from(of.as_fd().as_raw_fd()).unwrap_or(usize::MAX)
    }

    /// A descriptor held in reserve, to be closed when there is no other.
    pub(crate) struct Spare(File);

    impl Spare {
        pub(crate) fn take() -> Option<Self> {
            File::open("/dev/null").ok().map(Spare)
        }

        pub(super) fn number(&self) -> usize {
            number(&self.0)
        }
    }

    /// A shortage of the process or of the whole system.
    pub(crate) fn is_shortage(error: &io::Error) -> bool {
        matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
    }
}

/// On other systems the limit is unknown, and nothing is reserved.
#[cfg(not(unix))]
mod os {
    use super::{TcpStream, io};

    pub(super) fn raise() -> usize {
        usize::MAX
    }

    pub(super) fn number(_: &TcpStream) -> usize {
        0
    }

    pub(crate) struct Spare;

    impl Spare {
        pub(crate) fn take() -> Option<Self> {
            Some(Spare)
        }

        pub(super) fn number(&self) -> usize {
            0
        }
    }

    pub(crate) fn is_shortage(_: &io::Error) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_limits_keep_back_less() {
        let kept = |limit| {
            let d = Descriptors::of(limit, 72, 64);
            (d.limit - d.connections, d.connections - d.sockets)
        };
        assert_eq!(kept(20_000), (72, 64));
        assert_eq!(kept(200), (50, 25));
        assert_eq!(kept(0), (0, 0));
    }

    #[cfg(unix)]
    #[test]
    fn short_is_when_the_free_numbers_are_high() {
        assert!(Descriptors::of(0, 0, 0).are_short());
        assert!(!Descriptors::raise(0, 0).are_short());
    }
}
