//! One publishing connection: requests are pipelined up to a bound, and a second thread counts the responses. Any
//! error response ends the run.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::schedule::{Schedule, Transport};
use crate::clock::unix_us;
use crate::endpoint::Endpoint;
use crate::fleet::subscriber::{hello, lock};
use crate::frame;
use crate::histogram::Latency;
use crate::http1::{Head, find};
use crate::mark::Mark;

const UNANSWERED_AT_MOST: u64 = 512;
const BATCH_BYTES: usize = 64 * 1024;
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_micros(100);
const SLEEP_AT_MOST_US: u64 = 10_000;

pub(super) struct Lane {
    nth: u64,
    lanes: u64,
    rooms: u32,
    prefix: String,
    bytes: usize,
    /// Request line and headers before the JSON of an HTTP request; empty on a socket.
    head: String,
    written: u64,
    link: Arc<Link>,
}

/// State shared by both threads of a lane.
struct Link {
    stream: Mutex<TcpStream>,
    answered: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Lane {
    pub(super) fn connect(
        transport: &Transport,
        nth: u32,
        lanes: u32,
        rooms: u32,
        prefix: &str,
        bytes: usize,
    ) -> Result<Self> {
        let (url, scheme) = match transport {
            Transport::Http { url, .. } => (url, "http"),
            Transport::Socket { url, .. } => (url, "ws"),
        };
        let endpoint = Endpoint::parse(url, scheme)?;
        let mut stream = TcpStream::connect(endpoint.address).context("publisher is not connected")?;
        stream.set_nodelay(true)?;
        let mut head = String::new();
        match transport {
            Transport::Http { key, .. } => {
                head = format!(
                    "POST {} HTTP/1.1\r\nHost: {}\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n",
                    endpoint.path, endpoint.host
                );
            }
            Transport::Socket { .. } => upgrade(&mut stream, &endpoint)?,
        }
        let reading = stream.try_clone()?;
        let link = Arc::new(Link {
            stream: Mutex::new(stream),
            answered: AtomicU64::new(0),
            failure: Mutex::default(),
        });
        let (shared, http) = (Arc::clone(&link), !head.is_empty());
        std::thread::spawn(move || {
            if let Err(error) = shared.count_answers(reading, http) {
                lock(&shared.failure).get_or_insert(format!("{error:#}"));
            }
        });
        let mut lane = Self {
            nth: nth.into(),
            lanes: lanes.into(),
            rooms,
            prefix: prefix.to_owned(),
            bytes,
            head,
            written: 0,
            link,
        };
        if let Transport::Socket { token, .. } = transport {
            lane.write_frame(&hello(token))?;
            lane.all_answered()?;
        }
        Ok(lane)
    }

    pub(super) fn run(&mut self, schedule: &Schedule) -> Result<Latency> {
        let mut lag = Latency::default();
        let mut k = schedule.first;
        let mut batch = Vec::with_capacity(BATCH_BYTES);
        loop {
            let end = schedule.end.load(Relaxed);
            let now = unix_us();
            let room_left = UNANSWERED_AT_MOST.saturating_sub(self.unanswered());
            let mut count = 0;
            while k < end && count < room_left && batch.len() < BATCH_BYTES && schedule.due_us(k) <= now {
                let room = (k % u64::from(self.rooms)) as u32;
                if u64::from(room) % self.lanes == self.nth {
                    let due_us = schedule.due_us(k);
                    lag.record_us(now - due_us);
                    count += 1;
                    self.append(
                        &mut batch,
                        self.written + count,
                        Mark { room, seq: (k / u64::from(self.rooms)) as u32, due_us },
                    );
                }
                k += 1;
            }
            if count > 0 {
                lock(&self.link.stream).write_all(&batch).context("publisher was cut")?;
                self.written += count;
                batch.clear();
            } else if k >= end {
                break;
            } else if room_left == 0 {
                self.check()?;
                std::thread::sleep(LOOK_AGAIN);
            } else {
                let wait = schedule.due_us(k).saturating_sub(now);
                std::thread::sleep(Duration::from_micros(wait.min(SLEEP_AT_MOST_US)));
            }
        }
        self.all_answered()?;
        Ok(lag)
    }

    fn append(&self, batch: &mut Vec<u8>, id: u64, mark: Mark) {
        let channel = format!("{}{}", self.prefix, mark.room);
        let body = format!("{{\"channel\":\"{channel}\",\"data\":{}}}", mark.data(self.bytes));
        if self.head.is_empty() {
            let command = format!("{{\"id\":{id},\"publish\":{body}}}");
            frame::write_masked(batch, frame::TEXT, command.as_bytes());
        } else {
            batch.extend(format!("{}Content-Length: {}\r\n\r\n{body}", self.head, body.len()).as_bytes());
        }
    }

    fn write_frame(&mut self, text: &str) -> Result<()> {
        let mut bytes = Vec::new();
        frame::write_masked(&mut bytes, frame::TEXT, text.as_bytes());
        lock(&self.link.stream).write_all(&bytes)?;
        self.written += 1;
        Ok(())
    }

    fn unanswered(&self) -> u64 {
        self.written - self.link.answered.load(Relaxed)
    }

    fn check(&self) -> Result<()> {
        match lock(&self.link.failure).as_deref() {
            Some(failure) => bail!("publishing failed: {failure}"),
            None => Ok(()),
        }
    }

    fn all_answered(&self) -> Result<()> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        while self.unanswered() > 0 {
            self.check()?;
            ensure!(Instant::now() < deadline, "{} publications were not answered", self.unanswered());
            std::thread::sleep(LOOK_AGAIN);
        }
        self.check()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Also ends the counting thread. An error means that the stream is closed already.
        let _ = lock(&self.link.stream).shutdown(Shutdown::Both);
    }
}

impl Link {
    fn count_answers(&self, mut stream: TcpStream, http: bool) -> Result<()> {
        let mut buffer = Vec::new();
        let mut scratch = vec![0; BATCH_BYTES];
        loop {
            let count = stream.read(&mut scratch)?;
            ensure!(count > 0, "the server closed the publisher's connection");
            buffer.extend(&scratch[..count]);
            let mut used = 0;
            while let Some(length) =
                if http { http_answer(&buffer[used..])? } else { self.socket_answer(&buffer[used..])? }
            {
                used += length;
                if http {
                    self.answered.fetch_add(1, Relaxed);
                }
            }
            buffer.drain(..used);
        }
    }

    fn socket_answer(&self, bytes: &[u8]) -> Result<Option<usize>> {
        let Some((frame, length)) = frame::next(bytes)? else { return Ok(None) };
        ensure!(frame.opcode != frame::CLOSE, "the server closed the publisher's socket");
        for line in std::str::from_utf8(frame.payload)?.split('\n') {
            ensure!(!line.contains("\"error\":"), "{line}");
            if line == "{}" {
                let mut pong = Vec::new();
                frame::write_masked(&mut pong, frame::TEXT, b"{}");
                lock(&self.stream).write_all(&pong)?;
            } else if line.starts_with("{\"id\":") || line.contains("\"id\":") {
                self.answered.fetch_add(1, Relaxed);
            }
        }
        Ok(Some(length))
    }
}

fn http_answer(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = Head::parse(&bytes[..end + 4])?;
    let length = end + 4 + head.body_bytes.context("answers in chunks cannot follow each other")?;
    if bytes.len() < length {
        return Ok(None);
    }
    let body = String::from_utf8_lossy(&bytes[end + 4..length]);
    // The reference implementation answers 200 with an error in the body.
    ensure!(head.status == 200 && !body.contains("\"error\":"), "answered {}: {body}", head.status);
    Ok(Some(length))
}

fn upgrade(stream: &mut TcpStream, endpoint: &Endpoint) -> Result<()> {
    stream.write_all(endpoint.upgrade().as_bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    // Byte by byte, so that no frame after the response head is consumed.
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "publisher got no upgrade");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_follow_each_other_are_told_apart_and_errors_seen() {
        let two = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Le";
        assert_eq!(http_answer(two).unwrap(), Some(40));
        assert_eq!(http_answer(&two[40..]).unwrap(), None);
        assert!(http_answer(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n").is_err());
        let inside = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"error\":{}}";
        assert!(http_answer(inside).is_err());
    }
}
