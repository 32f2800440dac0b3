//! The queue with and without a socket that can be written to.

use super::*;

fn take(queue: &Queue) -> Option<Result<Vec<Bytes>, Closed>> {
    match queue.poll_take(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => None,
        Poll::Ready(Taken::Messages(messages)) => Some(Ok(messages.into())),
        Poll::Ready(Taken::Closed(why)) => Some(Err(why)),
        Poll::Ready(Taken::Pong(_) | Taken::Ping | Taken::Rest(_)) => {
            panic!("nobody pinged, nothing was begun")
        }
    }
}

fn one(text: &'static str) -> EncodedFrame {
    EncodedFrame::one(crate::Form::Json, frame(text))
}

fn frame(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn a_push_before_the_subscribe_reply_goes_out_after_it() {
    let queue = Queue::new(100);
    queue.reply(&one("earlier"), false);
    queue.reserve();
    queue.push(&one("push"));
    assert_eq!(take(&queue), Some(Ok(vec![frame("earlier")])));
    assert_eq!(take(&queue), None, "the push waits for the reply");
    queue.fill(&one("reply"), false);
    assert_eq!(take(&queue), Some(Ok(vec![frame("reply"), frame("push")])));
    assert_eq!(queue.bytes(), 0);
}

#[test]
fn messages_behind_a_reply_that_never_came_are_dropped() {
    let queue = Queue::new(100);
    queue.push(&one("earlier"));
    queue.reserve();
    queue.push(&one("behind"));
    queue.reply(&one("behind as well"), false);
    queue.close(CloseCode::INTERNAL.into());
    assert_eq!(queue.bytes(), "earlier".len());
    assert_eq!(take(&queue), Some(Ok(vec![frame("earlier")])));
    assert_eq!(take(&queue), Some(Err(CloseCode::INTERNAL.into())));
}

#[test]
fn over_the_bound_the_session_ends_as_slow() {
    let queue = Queue::new(10);
    assert_eq!(queue.push(&one("0123456789abc")), 1, "an empty queue takes any one frame");
    assert_eq!(queue.push(&one("x")), 0);
    assert_eq!(take(&queue), Some(Err(CloseCode::SLOW.into())));
    assert_eq!(queue.push(&one("x")), 0);
    assert_eq!(queue.bytes(), 0);
}

#[test]
fn replies_do_not_count_as_slow() {
    let queue = Queue::new(10);
    queue.reply(&one("a reply over the bound"), false);
    assert_eq!(queue.push(&one("0123456789")), 1);
    assert_eq!(queue.closed(), None);
}

/// A socket that takes a number of bytes and then is full.
struct Narrow(Mutex<(usize, Vec<u8>)>);

impl Outlet for Narrow {
    fn try_write(&self, bytes: &[u8]) -> std::io::Result<usize> {
        let (room, taken) = &mut *lock(&self.0);
        let some = bytes.len().min(*room);
        if some == 0 {
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        *room -= some;
        taken.extend(&bytes[..some]);
        Ok(some)
    }

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

fn narrow(queue: &Queue, room: usize) -> Arc<Narrow> {
    let outlet = Arc::new(Narrow(Mutex::new((room, Vec::new()))));
    let shared: Arc<dyn Outlet> = outlet.clone();
    queue.attach(Some(shared), false);
    outlet
}

#[test]
fn messages_that_the_socket_takes_are_not_queued() {
    let queue = Queue::new(100);
    let outlet = narrow(&queue, 100);
    assert_eq!(queue.push(&one("a")), 1);
    queue.reply(&one("b"), false);
    queue.reply(&one("c"), true);
    queue.push(&one("d"));
    assert_eq!(lock(&outlet.0).1, b"\x81\x01a\x81\x01b");
    assert_eq!(take(&queue), Some(Ok(vec![frame("c"), frame("d")])), "in line behind the one that waited");
    queue.push(&one("e"));
    assert_eq!(lock(&outlet.0).1.len(), 6, "the writer still has some in its hands");
    assert_eq!(take(&queue), Some(Ok(vec![frame("e")])));
    assert_eq!(take(&queue), None);
    queue.push(&one("f"));
    assert_eq!(lock(&outlet.0).1.len(), 9);
}

#[test]
fn a_frame_written_in_part_is_finished_first() {
    let queue = Queue::new(100);
    let outlet = narrow(&queue, 4);
    assert_eq!(queue.push(&one("begun")), 1);
    assert_eq!(lock(&outlet.0).1, b"\x81\x05be");
    assert_eq!(queue.bytes(), 3);
    queue.pong(frame("p"));
    queue.push(&one("next"));
    queue.close(CloseCode::SLOW.into());
    let rest = queue.poll_take(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(rest, Poll::Ready(Taken::Rest(rest)) if rest == "gun"));
    let pong = queue.poll_take(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(pong, Poll::Ready(Taken::Pong(_))));
    assert_eq!(take(&queue), Some(Err(CloseCode::SLOW.into())));
}

#[test]
fn the_rest_of_a_reply_does_not_count_as_push() {
    let queue = Queue::new(10);
    narrow(&queue, 4);
    queue.reply(&one("a reply over the bound"), false);
    assert_eq!(queue.push(&one("0123456789")), 1);
    assert_eq!(queue.closed(), None);
    assert_eq!(queue.push(&one("x")), 0);
}

#[test]
fn nothing_overtakes_a_reply_that_is_being_made() {
    let queue = Queue::new(100);
    let outlet = narrow(&queue, 100);
    queue.reserve();
    queue.push(&one("push"));
    assert_eq!(lock(&outlet.0).1, b"");
    queue.fill(&one("reply"), false);
    assert_eq!(lock(&outlet.0).1, b"", "what waits goes out with it");
    assert_eq!(take(&queue), Some(Ok(vec![frame("reply"), frame("push")])));
}

#[test]
fn replies_behind_a_reply_that_is_being_made_are_no_pushes() {
    let queue = Queue::new(10);
    queue.reply(&one("before"), false);
    queue.reserve();
    queue.reply(&one("a reply over the bound"), false);
    assert_eq!(take(&queue), Some(Ok(vec![frame("before")])));
    assert_eq!(queue.push(&one("0123456789")), 1);
    assert_eq!(queue.closed(), None);
}

#[test]
fn queued_messages_are_written_before_a_shutdown_and_the_first_reason_counts() {
    let queue = Queue::new(10);
    queue.push(&one("last"));
    queue.close(CloseCode::SHUTDOWN.into());
    queue.close(Closed::Peer);
    assert_eq!(take(&queue), Some(Ok(vec![frame("last")])));
    assert_eq!(take(&queue), Some(Err(CloseCode::SHUTDOWN.into())));
}
