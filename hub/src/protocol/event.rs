//! An event of a room: a publication, a join or a leave. It is encoded once per form, for the first receiver that needs
//! that form, and all receivers share the bytes.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    form::Form,
    protobuf,
    push::{self, DataAs},
};
use crate::{
    log::{ClientInfo, Filter, Publication},
    trace::Trace,
};

#[derive(Clone)]
pub(crate) struct RoomEvent {
    /// Position in the room's log; 0 for an event that is not in it.
    pub(crate) offset: u64,
    /// A join or a leave: sent only to members that asked for them.
    pub(crate) announcement: bool,
    shared: Arc<SharedEvent>,
}

struct SharedEvent {
    room: Arc<str>,
    content: Content,
    json: OnceLock<JsonFrame>,
    protobuf: OnceLock<Bytes>,
}

enum Content {
    Publication(Publication),
    Join(Arc<ClientInfo>),
    Leave(Arc<ClientInfo>),
}

struct JsonFrame {
    /// The whole push.
    frame: Bytes,
    /// Start and end of the publication object in it.
    body: (u32, u32),
}

/// The difference between the data of two publications. Readers in JSON have another text of data that is not JSON, so a
/// delta from or to it is not for them.
pub(crate) struct Delta {
    pub(crate) bytes: Bytes,
    pub(crate) between_json: bool,
}

impl RoomEvent {
    pub(crate) fn publication(room: impl Into<Arc<str>>, publication: Publication) -> Self {
        let offset = publication.offset;
        RoomEvent::new(room.into(), offset, Content::Publication(publication))
    }

    pub(crate) fn all(room: &Arc<str>, publications: Vec<Publication>) -> Vec<Self> {
        publications.into_iter().map(|p| RoomEvent::publication(Arc::clone(room), p)).collect()
    }

    pub(crate) fn join(room: &Arc<str>, who: Arc<ClientInfo>) -> Self {
        RoomEvent::new(Arc::clone(room), 0, Content::Join(who))
    }

    pub(crate) fn leave(room: &Arc<str>, who: Arc<ClientInfo>) -> Self {
        RoomEvent::new(Arc::clone(room), 0, Content::Leave(who))
    }

    fn new(room: Arc<str>, offset: u64, content: Content) -> Self {
        let announcement = !matches!(content, Content::Publication(_));
        let shared = SharedEvent { room, content, json: OnceLock::new(), protobuf: OnceLock::new() };
        RoomEvent { offset, announcement, shared: Arc::new(shared) }
    }

    pub(crate) fn trace(&self) -> Option<Trace> {
        match &self.shared.content {
            Content::Publication(publication) => publication.trace.as_deref().copied(),
            Content::Join(_) | Content::Leave(_) => None,
        }
    }

    /// The whole push, for sessions of this form.
    pub(crate) fn frame(&self, form: Form) -> &Bytes {
        match form {
            Form::Json => &self.shared.json().frame,
            Form::Protobuf => self.shared.protobuf(),
        }
    }

    /// The publication object alone as JSON, for replies.
    pub(crate) fn body(&self) -> &[u8] {
        let JsonFrame { frame, body } = self.shared.json();
        &frame[body.0 as usize..body.1 as usize]
    }

    /// The same, with the data's JSON as a string, for clients that agreed on deltas.
    pub(crate) fn text_body(&self) -> Bytes {
        let Some(publication) = self.source() else { return Bytes::new() };
        let (frame, body) = push::publication(&self.shared.room, publication, DataAs::Text);
        frame.slice(body)
    }

    /// The whole push for clients that agreed on deltas: with the delta if it is one for this form, or with all of the data.
    pub(crate) fn delta_frame(&self, form: Form, delta: Option<&Delta>) -> Bytes {
        let (Some(publication), room) = (self.source(), &self.shared.room) else {
            return self.frame(form).clone();
        };
        match (form, delta) {
            (Form::Json, delta) => {
                let fit = delta.filter(|delta| delta.between_json);
                let data = fit.map_or(DataAs::Text, |delta| DataAs::Delta(&delta.bytes));
                push::publication(room, publication, data).0
            }
            (Form::Protobuf, Some(delta)) => protobuf::delta(room, publication, &delta.bytes),
            (Form::Protobuf, None) => self.frame(form).clone(),
        }
    }

    /// The publication, if it is one.
    pub(crate) fn source(&self) -> Option<&Publication> {
        match &self.shared.content {
            Content::Publication(publication) => Some(publication),
            Content::Join(_) | Content::Leave(_) => None,
        }
    }

    /// The length of its data.
    pub(crate) fn bytes(&self) -> usize {
        self.source().map_or(0, |publication| publication.data.len())
    }

    pub(crate) fn says_the_same(&self, other: &RoomEvent) -> bool {
        let data = |event: &RoomEvent| event.source().map(|publication| publication.data.clone());
        data(self) == data(other)
    }

    /// The memory that it takes, with both encoded forms, even before they are made.
    pub(crate) fn cost(&self) -> usize {
        let content = self.source().map_or(0, Publication::bytes) + self.shared.room.len();
        3 * content + size_of::<RoomEvent>() + size_of::<SharedEvent>()
    }

    /// A filter that panics hides the event from its own subscriber only.
    pub(crate) fn passes(&self, filter: Option<&Filter>) -> bool {
        let (Some(filter), Some(publication)) = (filter, self.source()) else { return true };
        let verdict = std::panic::AssertUnwindSafe(|| filter(&publication.tags));
        std::panic::catch_unwind(verdict).unwrap_or(false)
    }
}

impl SharedEvent {
    fn json(&self) -> &JsonFrame {
        self.json.get_or_init(|| match &self.content {
            Content::Publication(publication) => {
                let (frame, body) = push::publication(&self.room, publication, DataAs::Value);
                JsonFrame { frame, body: (body.start as u32, body.end as u32) }
            }
            Content::Join(who) => JsonFrame { frame: push::join(&self.room, who), body: (0, 0) },
            Content::Leave(who) => JsonFrame { frame: push::leave(&self.room, who), body: (0, 0) },
        })
    }

    fn protobuf(&self) -> &Bytes {
        self.protobuf.get_or_init(|| match &self.content {
            Content::Publication(publication) => protobuf::publication(&self.room, publication),
            Content::Join(who) => protobuf::join(&self.room, who),
            Content::Leave(who) => protobuf::leave(&self.room, who),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_encoded_once_and_shared() {
        let data = "{\"a\":1}".into();
        let event = RoomEvent::publication("room", Publication { offset: 1, data, ..Publication::default() });
        let twin = event.clone();
        for form in [Form::Json, Form::Protobuf] {
            assert_eq!(event.frame(form).as_ptr(), twin.frame(form).as_ptr());
        }
        assert_ne!(event.frame(Form::Json), event.frame(Form::Protobuf));
    }
}
