//! What stands in the body, what happens at its end, and the order and bounds of the client's frames.

use std::{future::poll_fn, pin::pin, task::Poll};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};

use super::{
    StreamKind, incoming, open,
    pipe::{Pipe, PutError},
};
use crate::{
    protocol::Form,
    transport::{
        Incoming, MaxBytes, Transport as _, TransportError, TransportReader as _, TransportWriter as _,
    },
};

const LIMIT: MaxBytes = MaxBytes { message: 8, inflated: 8 };

fn text(frame: &'static str) -> Incoming {
    incoming(Form::Json, Bytes::from_static(frame.as_bytes()))
}

async fn written(kind: StreamKind, frames: &[&'static str]) -> Bytes {
    let (stream, mut body) = open(kind, Bytes::new());
    let (_reader, mut writer) = stream.split();
    let frames: Vec<_> = frames.iter().map(|frame| Bytes::from_static(frame.as_bytes())).collect();
    let (written, part) = tokio::join!(writer.write(kind.form(), &frames), body.next());
    written.unwrap();
    part.unwrap().unwrap()
}

#[tokio::test]
async fn each_kind_has_its_framing() {
    let frames = ["{\"id\":1}\n{\"id\":2}", "{}"];
    let lines = written(StreamKind::HttpStream(Form::Json), &frames).await;
    assert_eq!(lines, "{\"id\":1}\n{\"id\":2}\n{}\n");
    let events = written(StreamKind::Sse, &frames).await;
    assert_eq!(events, "data: {\"id\":1}\ndata: {\"id\":2}\n\ndata: {}\n\n");
    let bare = written(StreamKind::HttpStream(Form::Protobuf), &["\u{1}a", "\u{1}b"]).await;
    assert_eq!(bare, "\u{1}a\u{1}b");
}

#[tokio::test]
async fn a_close_code_is_a_push_and_then_the_end() {
    let (stream, mut body) = open(StreamKind::Sse, Bytes::new());
    let (_reader, mut writer) = stream.split();
    let end = async {
        writer.close(3503, "force disconnect").await.unwrap();
        drop(writer);
    };
    let ((), push) = tokio::join!(end, body.next());
    let push = push.unwrap().unwrap();
    assert_eq!(push, "data: {\"push\":{\"disconnect\":{\"code\":3503,\"reason\":\"force disconnect\"}}}\n\n");
    assert!(body.next().await.is_none());
}

/// The answer is broken off, so that nobody takes it for whole.
#[tokio::test]
async fn what_is_not_taken_breaks_the_body() {
    let (stream, mut body) = open(StreamKind::Sse, Bytes::new());
    let (_reader, mut writer) = stream.split();
    assert!(writer.write(Form::Json, &[Bytes::from_static(b"{}")]).now_or_never().is_none());
    drop(writer);
    assert!(body.next().await.unwrap().is_err());
}

#[tokio::test]
async fn a_dropped_body_ends_both_halves() {
    let (stream, body) = open(StreamKind::Sse, Bytes::from_static(b"{}"));
    let (mut reader, mut writer) = stream.split();
    assert_eq!(reader.next(|| LIMIT).await, Some(Ok(text("{}"))));
    let frames = [Bytes::from_static(b"{}")];
    let mut writing = pin!(writer.write(Form::Json, &frames));
    assert!(poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx).is_pending())).await);
    drop(body);
    assert!(matches!(writing.await, Err(TransportError::Lost(_))));
    assert_eq!(reader.next(|| LIMIT).await, None);
}

#[tokio::test]
async fn frames_come_one_by_one_in_the_order_of_their_requests() {
    let (stream, _body) = open(StreamKind::Sse, Bytes::from_static(b"0"));
    let pipe = stream.pipe();
    let (mut reader, _writer) = stream.split();
    let mut first = pin!(pipe.put(text("1"), None));
    let mut second = pin!(pipe.put(text("2"), None));
    for put in [&mut first, &mut second] {
        assert!(poll_fn(|cx| Poll::Ready(put.as_mut().poll(cx).is_pending())).await, "there is no place yet");
    }
    assert_eq!(reader.next(|| LIMIT).await, Some(Ok(text("0"))));
    let (second, first, read) =
        tokio::join!(second, first, async { [reader.next(|| LIMIT).await, reader.next(|| LIMIT).await] });
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(read, [Some(Ok(text("1"))), Some(Ok(text("2")))]);
    pipe.put(text("more than 8"), None).await.unwrap();
    assert_eq!(reader.next(|| LIMIT).await, Some(Err(TransportError::TooLarge)));
    drop(reader);
    assert_eq!(pipe.put(text("3"), None).await, Err(PutError::Gone));
}

#[tokio::test]
async fn waiting_has_bounds() {
    let pipe = Pipe::new(text("0"), None);
    let mut puts: Vec<_> = (0..257).map(|_| Box::pin(pipe.put(text("1"), None))).collect();
    let tried: Vec<_> = puts.iter_mut().map(futures_util::FutureExt::now_or_never).collect();
    assert!(tried[..256].iter().all(Option::is_none));
    assert_eq!(tried[256], Some(Err(PutError::TooMany)));
    drop(puts);
    assert!(pipe.put(text("1"), None).now_or_never().is_none(), "those who gave up no longer count");
}

/// Requests that were made one after another may arrive in any order.
#[tokio::test]
async fn ids_decide_about_the_order_and_a_missing_one_is_not_awaited_for_long() {
    let pipe = Pipe::new(text("4"), Some((4, 4)));
    let read = async {
        let mut seen = Vec::new();
        while seen.len() < 5 {
            seen.extend(poll_fn(|cx| pipe.poll_frame(cx)).await);
        }
        seen
    };
    let put = |frame, first, last| pipe.put(text(frame), Some((first, last)));
    let (seen, late, third, second, first) =
        tokio::join!(read, put("11", 11, 11), put("8", 8, 8), put("6-7", 6, 7), put("5", 5, 5));
    assert_eq!([late, third, second, first], [Ok(()); 4]);
    assert_eq!(seen, ["4", "5", "6-7", "8", "11"].map(text));
    assert!(put("9", 9, 9).now_or_never().is_some(), "a late one goes at once");
}
