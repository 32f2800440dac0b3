//! Reads the body of a request into one buffer, within a limit of bytes, a limit of time and the memory budget.
//!
//! Chunks are copied as they arrive. Kept as they are, each would hold a reference to the connection's whole read
//! buffer: a body sent byte by byte would cost thousands of times its size.

use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use bytes::{BufMut as _, Bytes, BytesMut};
use hyper::body::Frame;
use tokio::time::{Instant, timeout, timeout_at};

use super::problem::{self, Problem};
use crate::admission::{Budget, Charge};

/// The longest time for a whole body.
const TIME: Duration = Duration::from_secs(30);
/// After this time, the average rate in bytes a second must be at least `LOWEST_RATE`.
const GRACE: Duration = Duration::from_secs(5);
const LOWEST_RATE: f64 = 1024.0;
/// The first size of a buffer, and the step in which it is charged.
const STEP: usize = 4 * 1024;
/// Bytes in which a known sender shows.
const BEGINNING: usize = 512;

/// How long the rest of a refused body is read and discarded: a client that is still sending does not see an answer on
/// a connection that is closed.
const FAREWELL: Duration = Duration::from_secs(2);
const FAREWELL_BYTES: usize = 8 * 1024 * 1024;

/// Receives a body of at most `limit` bytes, charged to `address`.
pub async fn whole(body: Body, limit: usize, budget: &Budget, address: IpAddr) -> Result<Bytes, Problem> {
    let payer = Payer { budget, known: None };
    charged(body, limit, payer, address).await.map(|(bytes, _charge)| bytes)
}

/// Which budget a body is charged to.
#[derive(Clone, Copy)]
pub struct Payer<'a> {
    pub budget: &'a Budget,
    /// Another one, once the beginning of the body shows that the sender is known.
    pub known: Option<Known<'a>>,
}

#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub budget: &'a Budget,
    pub by: &'a (dyn Fn(&[u8]) -> bool + Sync),
}

/// As [`whole`], with the charge, for a body that waits before it is used.
pub async fn charged(
    mut body: Body,
    limit: usize,
    payer: Payer<'_>,
    address: IpAddr,
) -> Result<(Bytes, Charge), Problem> {
    let received = receive(&mut body, limit, payer, address).await;
    if received.as_ref().is_err_and(|problem| problem.status() != StatusCode::REQUEST_TIMEOUT) {
        let _ = timeout(FAREWELL, drop_rest(body)).await;
    }
    received
}

async fn drop_rest(mut body: Body) {
    let mut dropped = 0;
    while let Some(Ok(piece)) = next(&mut body).await {
        dropped += piece.data_ref().map_or(0, Bytes::len);
        if dropped > FAREWELL_BYTES {
            break;
        }
    }
}

async fn next(body: &mut Body) -> Option<Result<Frame<Bytes>, axum::Error>> {
    std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}

async fn receive(
    body: &mut Body,
    limit: usize,
    mut payer: Payer<'_>,
    address: IpAddr,
) -> Result<(Bytes, Charge), Problem> {
    let hint = body.size_hint();
    if hint.lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let announced = hint.exact().and_then(|bytes| usize::try_from(bytes).ok());
    let (mut charge, mut whole) = (payer.budget.open(address), BytesMut::new());
    let begin = Instant::now();
    loop {
        let slowest = Duration::from_secs_f64(whole.len() as f64 / LOWEST_RATE);
        let until = begin + TIME.min(GRACE + slowest);
        let Some(piece) = timeout_at(until, next(body)).await.map_err(|_| too_slow())? else { break };
        let Ok(piece) = piece.map_err(|_| broken())?.into_data() else { continue };
        let needed = whole.len() + piece.len();
        if needed > limit {
            return Err(too_large(limit));
        }
        if whole.len() < BEGINNING
            && let Some(Known { budget, by }) = payer.known
            && by(&[&whole, &piece[..piece.len().min(BEGINNING)]].concat())
        {
            payer.known = None;
            charge = budget.open(address);
            charge.grow_to(whole.capacity().min(needed)).map_err(|_| no_room())?;
        }
        if let Some(announced) = announced {
            // Memory that is not written to is not resident yet: the whole buffer is allocated at once and charged as
            // it fills.
            charge
                .grow_to(needed.next_multiple_of(STEP).min(announced.max(needed)))
                .map_err(|_| no_room())?;
            if whole.capacity() < needed {
                whole = BytesMut::with_capacity(announced.max(needed));
            }
        } else if needed > whole.capacity() {
            let capacity = (whole.capacity() * 2).max(STEP).min(limit).max(needed);
            charge.grow_to(capacity).map_err(|_| no_room())?;
            let mut larger = BytesMut::with_capacity(capacity);
            larger.put_slice(&whole);
            whole = larger;
        }
        whole.put_slice(&piece);
    }
    Ok((whole.freeze(), charge))
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body is larger than the {limit} bytes that are taken here");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body came too slowly")
}

fn broken() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", "the body could not be read")
}

fn no_room() -> Problem {
    metrics::counter!("hubbub_bodies_over_budget_total").increment(1);
    problem::no_room()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::Ipv4Addr;

    use futures_util::{StreamExt as _, stream};
    use tokio::time::sleep;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A body of unknown length, in chunks that each come after a wait.
    fn pieces(size: usize, count: usize, wait_ms: u64) -> Body {
        Body::from_stream(stream::iter(0..count).then(move |_| async move {
            if wait_ms > 0 {
                sleep(Duration::from_millis(wait_ms)).await;
            }
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; size]))
        }))
    }

    async fn refused(body: Body, limit: usize, budget: &Budget) -> (u16, &'static str) {
        let problem = whole(body, limit, budget, HERE).await.expect_err("refused");
        assert_eq!(budget.used(), 0, "what it held is given back");
        (problem.status().as_u16(), problem.code())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_taken_within_its_limits_and_refused_beyond() {
        let budget = Budget::new(64 * 1024, 32 * 1024);
        for (size, count) in [(0, 0), (1, 1), (1, 5_000), (16 * 1024, 2), (32 * 1024, 1)] {
            let got = whole(pieces(size, count, 0), 32 * 1024, &budget, HERE).await.expect("taken");
            assert_eq!(got.len(), size * count);
        }
        let exact = whole(Body::from("abc"), 3, &budget, HERE).await.expect("taken");
        assert_eq!(&exact[..], b"abc");
        assert_eq!(budget.used(), 0);
        assert_eq!(refused(Body::from("abcd"), 3, &budget).await, (413, "too_large"));
        assert_eq!(refused(pieces(1, 4, 0), 3, &budget).await, (413, "too_large"));
        assert_eq!(
            refused(pieces(1024, 40, 0), 64 * 1024, &budget).await,
            (503, "no_room"),
            "over the share"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let budget = Budget::new(1 << 20, 1 << 20);
        for (body, longest_s) in [
            (Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()), 5.1),
            // One byte a second, without end.
            (pieces(1, 1_000_000, 1_000), 6.1),
            // At an allowed rate, but for too long.
            (pieces(4 * 1024, 1_000, 1_000), 30.1),
        ] {
            let begin = Instant::now();
            assert_eq!(refused(body, 1 << 20, &budget).await, (408, "too_slow"));
            assert!(begin.elapsed().as_secs_f64() <= longest_s, "{:?}", begin.elapsed());
        }
        let slow = whole(pieces(1024, 29, 1_000), 1 << 20, &budget, HERE).await.expect("slow, but it comes");
        assert_eq!(slow.len(), 29 * 1024);
    }

    /// Bodies that are still being received are charged, by address.
    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_counts_for_its_address_and_for_all() {
        let budget = Budget::new(64 * 1024, 32 * 1024);
        let send = |last: u8| {
            whole(pieces(8 * 1024, 4, 1_000), 32 * 1024, &budget, IpAddr::from([203, 0, 113, last]))
        };
        let (one, again, other, third) = tokio::join!(send(1), send(1), send(2), send(3));
        let codes =
            [one, again, other, third].map(|got| got.map_or_else(|problem| problem.code(), |_| "taken"));
        let taken = codes.iter().filter(|code| **code == "taken").count();
        assert!((1..=2).contains(&taken) && codes.contains(&"no_room"), "{codes:?}");
        send(1).await.expect("alone there is room");
        assert_eq!(budget.used(), 0);
    }
}
