//! A language model for the responder: it streams answers that no other answer equals, and names what it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::http1::find;

/// Before each piece of an answer, in turn: a model is quick or slow.
const PAUSES_MS: [u64; 6] = [5, 40, 10, 250, 20, 600];
const MAX_REQUEST_BYTES: usize = 1 << 20;

/// The answer with this number to a customer's text.
pub(crate) fn answer(number: u64, to: &str) -> String {
    format!("answer {number} to {to}")
}

/// The customer's text that an answer answers.
pub(crate) fn answered(text: &str) -> Option<&str> {
    Some(text.strip_prefix("answer ")?.split_once(" to ")?.1)
}

/// Serves until the process ends; gives the address.
pub(crate) async fn serve() -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let number = Arc::new(AtomicU64::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = Arc::clone(&number);
            tokio::spawn(async move {
                let _ = talk(stream, number.fetch_add(1, Relaxed)).await;
            });
        }
    });
    Ok(url)
}

async fn talk(mut stream: TcpStream, number: u64) -> Result<()> {
    let body = read(&mut stream).await?;
    let asked: Value = serde_json::from_slice(&body)?;
    let messages = asked["messages"].as_array().context("no messages")?;
    let last = messages.iter().rev().find(|message| message["role"] == "user").context("no question")?;
    let last = last["content"].as_str().and_then(|text| text.lines().last()).unwrap_or_default();
    let answer = answer(number, last);
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        .await?;
    let half = answer.len() / 2;
    for (at, piece) in
        [answer.get(..half).unwrap_or_default(), answer.get(half..).unwrap_or_default()].iter().enumerate()
    {
        let pause = PAUSES_MS[(number as usize + at) % PAUSES_MS.len()];
        tokio::time::sleep(Duration::from_millis(pause)).await;
        say(&mut stream, &json!({ "choices": [{ "delta": { "content": piece } }] })).await?;
    }
    say(&mut stream, &json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] })).await?;
    stream.write_all(b"data: [DONE]\n\n").await?;
    Ok(stream.shutdown().await?)
}

async fn say(stream: &mut TcpStream, chunk: &Value) -> Result<()> {
    Ok(stream.write_all(format!("data: {chunk}\n\n").as_bytes()).await?)
}

async fn read(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = find(&bytes, b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length =
                text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let end = head + 4 + length.unwrap_or(0_usize);
            if bytes.len() >= end {
                return Ok(bytes[head + 4..end].to_vec());
            }
        }
        anyhow::ensure!(bytes.len() <= MAX_REQUEST_BYTES, "a long request");
        anyhow::ensure!(stream.read_buf(&mut bytes).await? > 0, "the request ends early");
    }
}
