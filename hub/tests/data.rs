//! Data is any bytes. In Protobuf they come as they went, whoever sent them; in JSON what is one JSON value comes as that
//! value, and the rest as `{"b64data":"…"}`: live, recovered, from history, as deltas.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hub::{Data, Form, HubConfig, Publication, Tags};
use serde_json::{Value, json};

use crate::support::{
    Server,
    client::{Client, publications},
    config, fossil,
    protobuf::{bytes, unwrapped},
};

const FORMS: [Form; 2] = [Form::Json, Form::Protobuf];

/// Data, and what readers in JSON get.
fn samples() -> Vec<(Vec<u8>, Value)> {
    let long = |n: u8| [&b"the same in each of them\x00\xfe\xff and long enough"[..], &[n]].concat();
    let state = |n: u8| json!({"text": "hardly anything of this changes: \u{44e}", "n": n});
    let base64 = |text: &str| json!({ "b64data": text });
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    vec![
        (b" {\n\"a\":\r\n1} ".to_vec(), json!({"a": 1})),
        (state(1).to_string().into(), state(1)),
        (state(2).to_string().into(), state(2)),
        (long(1), base64("dGhlIHNhbWUgaW4gZWFjaCBvZiB0aGVtAP7/IGFuZCBsb25nIGVub3VnaAE=")),
        (long(2), base64("dGhlIHNhbWUgaW4gZWFjaCBvZiB0aGVtAP7/IGFuZCBsb25nIGVub3VnaAI=")),
        (state(3).to_string().into(), state(3)),
        (b"{\"not\": JSON".to_vec(), base64("eyJub3QiOiBKU09O")),
        (b"\"text\"".to_vec(), json!("text")),
        // Deeper than a reader's parser goes: the frame could not be read.
        (deep.clone().into(), base64(&BASE64_STANDARD.encode(&deep))),
    ]
}

struct Reader {
    form: Form,
    client: Client,
    /// The last data, for a client that agreed on deltas.
    last: Option<Vec<u8>>,
    deltas: usize,
}

impl Reader {
    async fn join(server: &Server, form: Form, deltas: bool, after: Option<u64>) -> (Reader, Vec<Vec<u8>>) {
        let mut client = client(server, form, json!({"user": "reader"})).await;
        client.exact = true;
        let mut body = json!({"channel": "room", "delta": if deltas { "fossil" } else { "" }});
        if let Some(offset) = after {
            let position = json!({"recover": true, "offset": offset, "epoch": "first"});
            body.as_object_mut().unwrap().extend(position.as_object().unwrap().clone());
        }
        let reply = client.call("subscribe", body).await;
        assert_eq!(reply["delta"] == true, deltas, "{reply}");
        assert_eq!(reply["recovered"] == true, after.is_some(), "{reply}");
        let mut reader = Reader { form, client, last: deltas.then(Vec::new), deltas: 0 };
        let missed = publications(&reply).iter().map(|missed| reader.data(missed)).collect();
        (reader, missed)
    }

    /// The data of the next publication in the order of the wire, as the application gets it.
    fn data(&mut self, publication: &Value) -> Vec<u8> {
        let data = &publication["data"];
        let Some(last) = &self.last else { return unwrapped(data) };
        let sent = match self.form {
            Form::Json => data.as_str().expect("a string for a client with deltas").into(),
            Form::Protobuf => unwrapped(data),
        };
        let is_delta = publication["delta"] == true;
        self.deltas += usize::from(is_delta);
        let whole = if is_delta { fossil::apply(last, &sent) } else { sent };
        self.last = Some(whole.clone());
        whole
    }

    async fn live(&mut self) -> Vec<u8> {
        let push = self.client.push().await;
        self.data(&push["pub"])
    }
}

async fn client(server: &Server, form: Form, data: Value) -> Client {
    let mut client = Client::open_as(form, &server.address).await;
    client.connect(data).await;
    client
}

fn check(form: Form, got: &[u8], (sent, json): &(Vec<u8>, Value), how: &str) {
    match form {
        Form::Protobuf => assert_eq!(got, sent, "{how}"),
        Form::Json => assert_eq!(serde_json::from_slice::<Value>(got).unwrap(), *json, "{how}"),
    }
}

#[tokio::test]
async fn bytes_reach_every_kind_of_reader() {
    // With a room memory, and with recovery from the log.
    for room_memory_bytes in [config().room_memory_bytes, 0] {
        let server = Server::with(HubConfig { room_memory_bytes, ..config() }).await;
        let mut writer = client(&server, Form::Protobuf, json!({"user": "writer"})).await;
        let mut readers = Vec::new();
        for (form, deltas) in FORMS.into_iter().flat_map(|form| [(form, false), (form, true)]) {
            readers.push(Reader::join(&server, form, deltas, None).await.0);
        }
        let samples = samples();
        for (n, sample) in samples.iter().enumerate() {
            writer.call("publish", json!({"channel": "room", "data": bytes(&sample.0)})).await;
            for reader in &mut readers {
                let got = reader.live().await;
                check(reader.form, &got, sample, &format!("{n} live"));
            }
        }
        // JSON to JSON once; in Protobuf between the two that are not JSON as well.
        assert_eq!(readers.iter().map(|reader| reader.deltas).collect::<Vec<_>>(), [0, 1, 0, 2]);

        for (form, deltas) in FORMS.into_iter().flat_map(|form| [(form, false), (form, true)]) {
            let (mut reader, missed) = Reader::join(&server, form, deltas, Some(0)).await;
            assert_eq!(missed.len(), samples.len());
            for (got, sample) in missed.iter().zip(&samples) {
                check(form, got, sample, "recovered");
            }
            let history = reader.client.call("history", json!({"channel": "room", "limit": -1})).await;
            for (publication, sample) in publications(&history).iter().zip(&samples) {
                check(form, &unwrapped(&publication["data"]), sample, "history");
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_in_json_or_the_application_publishes_is_the_same_in_both_forms() {
    let server = Server::start().await;
    let mut writer = client(&server, Form::Json, json!({"user": "writer"})).await;
    let mut readers = Vec::new();
    for form in FORMS {
        readers.push(Reader::join(&server, form, false, None).await.0);
    }
    let value = json!({"a": ["\u{2028}", null, 1e3]});
    writer.call("publish", json!({"channel": "room", "data": value})).await;
    let tags = || [("color", "red")].into_iter().collect::<Tags>();
    for data in [b"\x00\xff".to_vec(), Vec::new()] {
        server.hub.publish_ephemeral(None, "room", data.into(), tags());
    }
    for reader in &mut readers {
        assert_eq!(serde_json::from_slice::<Value>(&reader.live().await).unwrap(), value);
        check(reader.form, &reader.live().await, &(b"\x00\xff".to_vec(), json!({"b64data": "AP8="})), "own");
        let push = reader.client.push().await;
        let (data, tags) = (push["pub"].get("data").cloned(), &push["pub"]["tags"]);
        assert_eq!(data, (reader.form == Form::Json).then_some(Value::Null));
        assert_eq!(*tags, json!({"color": "red"}));
    }
}

#[tokio::test]
async fn tags_decide_about_bytes_as_about_json() {
    let server = Server::start().await;
    for form in FORMS {
        let mut reader = client(&server, form, json!({"user": "reader"})).await;
        let red = json!({"key": "color", "cmp": "eq", "val": "red"});
        reader.call("subscribe", json!({"channel": "tagged", "tf": red})).await;
        for (color, data) in [("blue", &b"\x01"[..]), ("red", b"\x02")] {
            let (data, tags) = (Data::from(data.to_vec()), [("color", color)].into_iter().collect());
            server.hub.publish("tagged", Publication { data, tags, ..Publication::default() });
        }
        let data = reader.publication().await.1;
        assert_eq!(data, if form == Form::Json { json!({"b64data": "Ag=="}) } else { json!("\u{2}") });
    }
}

#[tokio::test]
async fn calls_messages_and_infos_are_bytes_as_well() {
    let server = Server::start().await;
    let any = b"\x00\xff\n{";
    let mut ann = client(&server, Form::Protobuf, json!({"user": "ann", "bytes": true})).await;
    ann.exact = true;
    ann.send_all(&[json!({"send": {"data": bytes(any)}})]).await;
    let echo = ann.call("rpc", json!({"method": "echo", "data": bytes(any)})).await;
    assert_eq!(echo, json!({"data": bytes(any)}));
    // No bytes are a message without data.
    assert_eq!(ann.call("rpc", json!({"method": "echo"})).await, json!({}));
    assert!(server.hub.send(ann.id(), any.to_vec().into()));
    assert_eq!(ann.push().await, json!({"message": {"data": bytes(any)}}));
    assert_eq!(*server.rules.messages.lock().unwrap(), [String::from_utf8_lossy(any)]);

    let mut bob = client(&server, Form::Json, json!({"user": "bob"})).await;
    assert_eq!(bob.call("rpc", json!({"method": "echo"})).await, json!({"data": null}));
    assert!(server.hub.send(bob.id(), any.to_vec().into()));
    assert_eq!(bob.push().await, json!({"message": {"data": {"b64data": "AP8Kew=="}}}));

    let seat = json!({"channel": "room", "data": bytes(b"{\"presence\":true,\"bytes\":true}")});
    ann.call("subscribe", seat).await;
    bob.call("subscribe", json!({"channel": "room", "data": {"presence": true}})).await;
    let info = b"\x00\xffinfo";
    let base64 = json!({"b64data": "AP9pbmZv"});
    for (client, info) in [(&mut ann, bytes(info)), (&mut bob, base64)] {
        let all = client.call("presence", json!({"channel": "room"})).await;
        let clients = all["presence"].as_object().unwrap().values();
        let seen = clients.filter(|who| who["user"] == "ann").collect::<Vec<_>>();
        assert_eq!((&seen[0]["conn_info"], &seen[0]["chan_info"]), (&info, &info));
    }
}
