//! The rooms of the bare server with their subscribers, and the few commands it implements. Publications of one room
//! that arrive together go out in one write to each subscriber.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use anyhow::Result;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::fault::Fault;
use super::peer::Peer;
use crate::frame;

const FAULT_EVERY: u64 = 50;

#[derive(Default)]
struct Room {
    peers: Vec<Rc<Peer>>,
    offset: u64,
    /// The last publications, encoded as they stand in the reply to a recovery.
    history: VecDeque<Box<str>>,
    /// A frame held back until the next one, for the fault `Swap`.
    swapped: Vec<u8>,
}

pub(super) struct Rooms {
    rooms: RefCell<HashMap<String, Room>>,
    peers: RefCell<HashMap<u64, Rc<Peer>>>,
    history: usize,
    fault: Option<Fault>,
    connected: String,
}

/// Frames that are written after all commands of one read are processed.
#[derive(Default)]
pub(super) struct Batch {
    pushes: Vec<(String, Vec<u8>, Vec<u8>)>,
    replies: Vec<String>,
}

#[derive(Deserialize)]
struct Command<'a> {
    #[serde(default)]
    id: u64,
    #[serde(borrow)]
    connect: Option<&'a RawValue>,
    #[serde(borrow)]
    subscribe: Option<Subscribe<'a>>,
    #[serde(borrow)]
    unsubscribe: Option<Subscribe<'a>>,
    #[serde(borrow)]
    publish: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Subscribe<'a> {
    channel: &'a str,
    #[serde(default)]
    recover: bool,
    #[serde(default)]
    offset: u64,
}

#[derive(Deserialize)]
struct Publish<'a> {
    channel: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Rooms {
    pub(super) fn new(history: usize, fault: Option<Fault>, ping_s: f64) -> Self {
        let connect = json!({"client": "c", "ping": ping_s.ceil(), "pong": true});
        Self {
            rooms: RefCell::default(),
            peers: RefCell::default(),
            history,
            fault,
            connected: connect.to_string(),
        }
    }

    pub(super) fn command(&self, peer: &Rc<Peer>, line: &str, batch: &mut Batch) -> Result<()> {
        if line == "{}" || line.is_empty() {
            return Ok(());
        }
        let command: Command<'_> = serde_json::from_str(line)?;
        let id = command.id;
        let reply = if command.connect.is_some() {
            self.peers.borrow_mut().insert(peer.id, Rc::clone(peer));
            format!("{{\"id\":{id},\"connect\":{}}}", self.connected)
        } else if let Some(subscribe) = command.subscribe {
            self.subscribe(peer, id, &subscribe)
        } else if let Some(leave) = command.unsubscribe {
            if let Some(room) = self.rooms.borrow_mut().get_mut(leave.channel) {
                room.peers.retain(|other| other.id != peer.id);
            }
            format!("{{\"id\":{id},\"unsubscribe\":{{}}}}")
        } else if let Some(body) = command.publish {
            self.publish(body.get(), batch)?;
            format!("{{\"id\":{id},\"publish\":{{}}}}")
        } else {
            json!({"id": id, "error": {"code": 108, "message": "not available"}}).to_string()
        };
        batch.replies.push(reply);
        Ok(())
    }

    /// The reply is put together from pieces that are ready.
    fn subscribe(&self, peer: &Rc<Peer>, id: u64, wanted: &Subscribe<'_>) -> String {
        let mut rooms = self.rooms.borrow_mut();
        if !rooms.contains_key(wanted.channel) {
            rooms.insert(wanted.channel.to_owned(), Room::default());
        }
        let Some(room) = rooms.get_mut(wanted.channel) else { return String::new() };
        room.peers.push(Rc::clone(peer));
        peer.rooms.borrow_mut().push(wanted.channel.to_owned());
        let (top, recoverable) = (room.offset, self.history > 0);
        if !wanted.recover {
            return format!(
                "{{\"id\":{id},\"subscribe\":{{\"recoverable\":{recoverable},\"epoch\":\"e\",\"offset\":{top}}}}}"
            );
        }
        let missed = (top - wanted.offset.min(top)) as usize;
        let recovered = missed <= room.history.len();
        let mut reply = format!(
            "{{\"id\":{id},\"subscribe\":{{\"recoverable\":true,\"epoch\":\"e\",\"offset\":{},\"was_recovering\":true,\
             \"recovered\":{recovered},\"publications\":[",
            wanted.offset
        );
        let forgets = self.fault == Some(Fault::Forget);
        let first = if forgets { room.history.len() } else { room.history.len().saturating_sub(missed) };
        for (nth, publication) in room.history.range(first..).enumerate() {
            if nth > 0 {
                reply.push(',');
            }
            reply.push_str(publication);
        }
        reply.push_str("]}}");
        reply
    }

    pub(super) fn publish(&self, body: &str, batch: &mut Batch) -> Result<()> {
        let Publish { channel, data } = serde_json::from_str(body)?;
        let mut rooms = self.rooms.borrow_mut();
        let room = rooms.entry(channel.to_owned()).or_default();
        room.offset += 1;
        if self.history > 0 {
            let publication = format!("{{\"offset\":{},\"data\":{data}}}", room.offset);
            room.history.push_back(publication.into());
            if room.history.len() > self.history {
                room.history.pop_front();
            }
        }
        let text = format!(
            "{{\"push\":{{\"channel\":\"{channel}\",\"pub\":{{\"data\":{data},\"offset\":{}}}}}}}",
            room.offset
        );
        let nth = batch.pushes.iter().position(|(name, ..)| name == channel).unwrap_or(batch.pushes.len());
        if nth == batch.pushes.len() {
            batch.pushes.push((channel.to_owned(), Vec::new(), Vec::new()));
        }
        // All peers except the first get `all`; the first gets `first` when a fault is injected.
        let (_, all, first) = &mut batch.pushes[nth];
        frame::write_plain(all, frame::TEXT, text.as_bytes());
        let chosen = room.offset.is_multiple_of(FAULT_EVERY);
        match self.fault {
            Some(Fault::Lose) if chosen => {}
            Some(Fault::Swap) if chosen => {
                frame::write_plain(&mut room.swapped, frame::TEXT, text.as_bytes());
            }
            Some(Fault::Double) if chosen => {
                frame::write_plain(first, frame::TEXT, text.as_bytes());
                frame::write_plain(first, frame::TEXT, text.as_bytes());
            }
            Some(_) => {
                frame::write_plain(first, frame::TEXT, text.as_bytes());
                first.append(&mut room.swapped);
            }
            None => {}
        }
        Ok(())
    }

    pub(super) fn flush(&self, peer: &Rc<Peer>, batch: &Batch) {
        if !batch.replies.is_empty() {
            let mut bytes = Vec::new();
            frame::write_plain(&mut bytes, frame::TEXT, batch.replies.join("\n").as_bytes());
            peer.write(&bytes);
        }
        let rooms = self.rooms.borrow();
        for (channel, all, first) in &batch.pushes {
            let Some(room) = rooms.get(channel) else { continue };
            for (nth, peer) in room.peers.iter().enumerate() {
                peer.write(if nth == 0 && self.fault.is_some() { first } else { all });
            }
        }
    }

    pub(super) fn ping(&self, whom: impl Fn(u64) -> bool) {
        let mut bytes = Vec::new();
        frame::write_plain(&mut bytes, frame::TEXT, b"{}");
        for peer in self.peers.borrow().values().filter(|peer| whom(peer.id)) {
            peer.write(&bytes);
        }
    }

    pub(super) fn leave(&self, peer: &Peer) {
        if self.peers.borrow_mut().remove(&peer.id).is_some() {
            let mut rooms = self.rooms.borrow_mut();
            for name in peer.rooms.take() {
                if let Some(room) = rooms.get_mut(&name) {
                    room.peers.retain(|other| other.id != peer.id);
                }
            }
        }
    }
}
