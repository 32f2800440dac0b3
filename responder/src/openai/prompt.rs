//! A turn with its history as messages of the chat API: consecutive messages of one side are joined, files are named,
//! and old messages are left out.

use serde::Serialize;

use super::super::wire::Turn;
use super::content;

/// Maximum characters of history and turn together; older messages are left out.
const MAX_CHARS: usize = 24_000;

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ChatMessage {
    pub role: &'static str,
    pub content: String,
}

pub(super) fn messages(system: &str, turn: &Turn) -> Vec<ChatMessage> {
    let mut room = MAX_CHARS;
    let mut kept: Vec<ChatMessage> = Vec::new();
    for said in turn.history.iter().chain(&turn.messages).rev() {
        let Some(content) = content::of(said) else { continue };
        let length = content.chars().count();
        if length > room && !kept.is_empty() {
            break;
        }
        let content: String = content.chars().take(room).collect();
        room -= content.chars().count();
        let role = if said.is_ours() { "assistant" } else { "user" };
        match kept.last_mut().filter(|newer| newer.role == role) {
            Some(newer) => newer.content = format!("{content}\n{}", newer.content),
            None => kept.push(ChatMessage { role, content }),
        }
    }
    kept.push(ChatMessage { role: "system", content: system.to_owned() });
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::TurnMessage;

    fn said(direction: &str, kind: &str, text: Option<&str>) -> TurnMessage {
        TurnMessage {
            direction: direction.into(),
            kind: kind.into(),
            text: text.map(str::to_owned),
            ..TurnMessage::default()
        }
    }

    fn pairs(turn: &Turn) -> Vec<(&'static str, String)> {
        messages("be kind", turn).into_iter().map(|message| (message.role, message.content)).collect()
    }

    #[test]
    fn sides_become_roles_and_neighbours_are_joined() {
        let history = vec![
            said("in", "text", Some("hi")),
            said("out", "text", Some("hello")),
            said("out", "image", Some("our menu")),
            said("out", "text", Some("  ")),
        ];
        let messages = vec![said("in", "voice", None), said("in", "text", Some("is it open?"))];
        let expected = [
            ("system", "be kind"),
            ("user", "hi"),
            ("assistant", "hello\n[image] our menu"),
            ("user", "[voice]\nis it open?"),
        ];
        let got = pairs(&Turn { messages, history, ..Turn::default() });
        assert_eq!(got, expected.map(|(role, text)| (role, text.to_owned())));
    }

    #[test]
    fn the_oldest_is_left_out_and_the_turn_never() {
        let old = "o".repeat(MAX_CHARS - 10);
        let history = vec![said("out", "text", Some("first")), said("out", "text", Some(&old))];
        let turn =
            Turn { history, messages: vec![said("in", "text", Some("0123456789"))], ..Turn::default() };
        let got = pairs(&turn);
        assert_eq!(got.iter().map(|(role, _)| *role).collect::<Vec<_>>(), ["system", "assistant", "user"]);
        assert_eq!(got[1].1, old, "`first` has no room any more");
        let huge =
            Turn { messages: vec![said("in", "text", Some(&"é".repeat(MAX_CHARS * 2)))], ..Turn::default() };
        assert_eq!(pairs(&huge)[1].1.chars().count(), MAX_CHARS);
    }
}
