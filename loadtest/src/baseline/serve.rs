//! The protocols of the bare server: HTTP requests of a publisher, and WebSocket frames.

use std::rc::Rc;

use anyhow::{Context, Result};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::peer::Peer;
use super::rooms::{Batch, Rooms};
use crate::frame;
use crate::http1::find;

pub(super) async fn serve(peer: &Rc<Peer>, rooms: &Rooms) -> Result<()> {
    let mut buffer = Vec::new();
    peer.more(&mut buffer).await?;
    if !buffer.starts_with(b"GET ") {
        return publisher(peer, rooms, buffer).await;
    }
    let end = head(peer, &mut buffer, 0).await?;
    let head = std::str::from_utf8(&buffer[..end])?;
    let key = header(head, "sec-websocket-key").context("no key")?;
    peer.write(
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        )
        .as_bytes(),
    );
    buffer.drain(..end);
    loop {
        let mut used = 0;
        let mut batch = Batch::default();
        while let Some((frame, length)) = frame::next(&buffer[used..])? {
            used += length;
            match frame.opcode {
                frame::TEXT => {
                    let text = frame.unmasked();
                    for line in std::str::from_utf8(&text)?.split('\n') {
                        rooms.command(peer, line, &mut batch)?;
                    }
                }
                frame::CLOSE => return Ok(()),
                _ => {}
            }
        }
        rooms.flush(peer, &batch);
        buffer.drain(..used);
        if buffer.is_empty() {
            buffer = Vec::new();
        }
        peer.more(&mut buffer).await?;
    }
}

/// Requests of one read are published together.
async fn publisher(peer: &Rc<Peer>, rooms: &Rooms, mut buffer: Vec<u8>) -> Result<()> {
    loop {
        let (mut used, mut answers) = (0, Vec::new());
        let mut batch = Batch::default();
        while let Some(end) = find(&buffer[used..], b"\r\n\r\n").map(|at| used + at + 4) {
            let head = std::str::from_utf8(&buffer[used..end])?;
            let length: usize = header(head, "content-length").context("no length")?.parse()?;
            let Some(body) = buffer.get(end..end + length) else { break };
            rooms.publish(std::str::from_utf8(body)?, &mut batch)?;
            answers.extend(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"result\":{}}");
            used = end + length;
        }
        rooms.flush(peer, &batch);
        if !answers.is_empty() {
            peer.write(&answers);
        }
        buffer.drain(..used);
        peer.more(&mut buffer).await?;
    }
}

async fn head(peer: &Peer, buffer: &mut Vec<u8>, from: usize) -> Result<usize> {
    loop {
        if let Some(at) = find(&buffer[from..], b"\r\n\r\n") {
            return Ok(from + at + 4);
        }
        peer.more(buffer).await?;
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
