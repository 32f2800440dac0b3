//! Malformed input over every route and every method, which are taken from the tables themselves: it is refused as the
//! caller's fault, for good, and on both engines alike.

use std::collections::{BTreeMap, BTreeSet};

use hubbub::model::ChannelSettings;
use hubbub::store::Engine;
use serde_json::{Value, json};

use crate::kit::client::As;
use crate::kit::{Client, World};

/// What stands for the value under test, as a JSON text that nothing else contains.
const HERE: &str = "\"@here@\"";

/// An id of nothing.
const NOBODY: &str = "018f0000-0000-7000-8000-00000000000a";

/// JSON texts to be put in the place of any value.
fn fragments() -> Vec<(&'static str, String)> {
    let plain = [
        ("nul", r#""\u0000""#),
        ("nul inside", r#""a\u0000b""#),
        ("lone lead", r#""a\ud800b""#),
        ("lone trail", r#""\udc00""#),
        ("control", r#""a\u0001\u001b[2Jb\r\n""#),
        ("raw control", "\"a\u{1}b\""),
        ("over i64", "9223372036854775808"),
        ("under i64", "-9223372036854775809"),
        ("max i64", "9223372036854775807"),
        ("min i64", "-9223372036854775808"),
        ("minus one", "-1"),
        ("huge", "1e999"),
        ("fraction", "1.5"),
        ("not a number", "NaN"),
        ("wildcards", r#""%_\\'\"; drop table messages; --""#),
        ("nothing", "null"),
        ("empty", r#""""#),
        ("list", "[]"),
        ("object", "{}"),
        ("nul in a key", r#"{"a\u0000": "x"}"#),
        ("nul in a list", r#"["x", "\u0000"]"#),
        ("odd uuid", r#""{018F0000-0000-7000-8000-00000000000A}""#),
        ("no uuid", r#""018f0000-0000-7000-8000""#),
    ];
    let mut all: Vec<_> = plain.into_iter().map(|(name, text)| (name, text.to_owned())).collect();
    all.push(("long", format!("\"{}\"", noise(5_000))));
    all
}

/// Letters that do not compress, the same every time: an index row of PostgreSQL holds 2,704 bytes of them.
fn noise(length: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    };
    (0..length).map(letter).collect()
}

/// As they stand in an address.
fn in_addresses() -> Vec<String> {
    let plain = [
        "%00",
        "a%00b",
        "%ff",
        "%F0%9F",
        "%",
        "%zz",
        "9223372036854775808",
        "-9223372036854775809",
        "-1",
        "0",
        "9223372036854775807",
        "-9223372036854775808",
        "NaN",
        "1e999",
        "1.5",
        "%25%5F",
        "%5C%27--",
        "",
        "%7B018f0000-0000-7000-8000-00000000000a%7D",
        "018F0000-0000-7000-8000-00000000000A",
        "urn:uuid:018f0000-0000-7000-8000-00000000000a",
        "018f00000000700080000000000000ff",
        "..%2F..%2Fetc",
        "%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9",
    ];
    plain.iter().map(|text| (*text).to_owned()).chain([noise(5_000)]).collect()
}

pub(crate) struct Case {
    pub name: String,
    pub method: String,
    pub path: String,
    pub body: Option<Vec<u8>>,
    /// The field that has to be named.
    field: Option<String>,
}

/// What a world calls its things.
pub(crate) struct Things(BTreeMap<&'static str, String>);

impl Things {
    pub async fn of(world: &World) -> Self {
        world.hook(&world.bot, &World::update(1, 5550301, 1, "Hello")).await;
        let api = world.api("owner@example.com").await;
        let conversation = api.inbox().await[0].clone();
        let (_, log) = api.get(&format!("/api/v1/integration-log?tenant={}", world.tenant)).await;
        let link =
            json!({ "tenant": world.tenant, "channel": world.bot.id, "name": "L", "target": "@example_bot" });
        let (_, link) = api.post("/api/v1/links", &link).await;
        let text = |value: &Value| value.as_str().expect("an id").to_owned();
        Self(BTreeMap::from([
            ("tenant", world.tenant.to_string()),
            ("company", text(&conversation["company"])),
            ("conversation", text(&conversation["id"])),
            ("contact", text(&conversation["contact"]["id"])),
            ("channel", world.bot.id.to_string()),
            ("link", text(&link["id"])),
            ("envelope", text(&log["entries"][0]["id"])),
            ("token", world.bot.hook_token.clone()),
        ]))
    }

    /// What the `{…}` of a path leads to.
    fn in_path(&self, path: &str) -> String {
        let of = [
            ("conversations", "conversation"),
            ("contacts/", "contact"),
            ("channels", "channel"),
            ("integration-log", "envelope"),
            ("hooks", "token"),
            ("links", "link"),
            ("companies/", "company"),
        ];
        let name = of.iter().find(|(part, _)| path.contains(part)).map(|(_, name)| *name);
        name.map_or_else(|| NOBODY.to_owned(), |name| self.0[name].clone())
    }

    /// A good value for a field, by its name.
    fn good(&self, name: &str) -> Option<Value> {
        if let Some(id) = self.0.get(name) {
            return Some(json!(id));
        }
        Some(match name {
            "client_id" => json!("c1"),
            "text" | "name" | "reason" | "q" => json!("Mira"),
            "kind" => json!("telegram"),
            "email" => json!("nobody@example.com"),
            "password" => json!("a password of nobody"),
            "credentials" => json!({ "token": "77:abc" }),
            "turn" | "lease" => json!("018f0000-0000-7000-8000-00000000000a"),
            "language" => json!("en"),
            "texts" => json!({ "en": "We keep what you write for a year." }),
            "seq" | "capacity" => json!(1),
            "limit" => json!(10),
            _ => return None,
        })
    }
}

/// Every place in a schema where a value may stand, as a path of keys and list places.
fn places(schemas: &Value, schema: &Value, at: &[String], found: &mut Vec<Vec<String>>) {
    let inner = |step: &str| at.iter().cloned().chain([step.to_owned()]).collect::<Vec<_>>();
    if let Some(name) = schema["$ref"].as_str() {
        return places(schemas, &schemas[name.rsplit('/').next().expect("a name")], at, found);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().for_each(|choice| places(schemas, choice, at, found));
    }
    if !at.is_empty() && !found.iter().any(|one| one == at) {
        found.push(at.to_vec());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        places(schemas, property, &inner(name), found);
    }
    if schema["items"].is_object() {
        places(schemas, &schema["items"], &inner("0"), found);
    }
    if schema["additionalProperties"].is_object() {
        places(schemas, &schema["additionalProperties"], &inner("token"), found);
    }
}

/// A document with a value at a place, beside what is needed.
fn with(base: &Value, place: &[String], fragment: &str) -> String {
    fn put(value: &mut Value, place: &[String]) {
        let Some((step, rest)) = place.split_first() else {
            *value = json!("@here@");
            return;
        };
        if step == "0" {
            if !value.is_array() {
                *value = json!([{ "kind": "image", "url": "https://files.example.com/a.png" }]);
            }
            return put(&mut value[0], rest);
        }
        if !value.is_object() {
            *value = json!({});
        }
        put(&mut value[step], rest);
    }
    let mut document = base.clone();
    put(&mut document, place);
    document.to_string().replace(HERE, fragment)
}

fn base(schemas: &Value, schema: &Value, things: &Things) -> Value {
    let schema =
        schema["$ref"].as_str().map_or(schema, |name| &schemas[name.rsplit('/').next().expect("a name")]);
    let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Value::Object(needed.filter_map(|name| Some((name.to_owned(), things.good(name)?))).collect())
}

pub(crate) fn cases(description: &Value, things: &Things) -> Vec<Case> {
    let schemas = &description["components"]["schemas"];
    let mut cases = Vec::new();
    for (template, operations) in description["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let path = match template.split_once('{') {
                Some((start, rest)) => {
                    // What is there is needed by other cases.
                    let name = if method == "delete" { NOBODY.to_owned() } else { things.in_path(template) };
                    format!("{start}{name}{}", rest.split_once('}').expect("closed").1)
                }
                None => template.clone(),
            };
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let needed: String = parameters
                .iter()
                .filter(|one| one["in"] == "query" && one["required"] == true)
                .filter_map(|one| one["name"].as_str())
                .filter_map(|name| Some(format!("{name}={}&", things.good(name)?.as_str()?)))
                .collect();
            let mut add = |what: String, path: String, body: Option<Vec<u8>>, field: Option<String>| {
                let name = format!("{method} {template}: {what}");
                cases.push(Case { name, method: method.to_uppercase(), path, body, field });
            };
            for parameter in &parameters {
                let name = parameter["name"].as_str().expect("a name");
                for value in in_addresses() {
                    let what = format!("{name}={}", &value[..value.len().min(60)]);
                    if parameter["in"] == "path" {
                        add(what, template.replace(&format!("{{{name}}}"), &value), None, None);
                    } else {
                        let others: String = needed
                            .split_inclusive('&')
                            .filter(|one| !one.starts_with(&format!("{name}=")))
                            .collect();
                        let field = value.contains("%00").then(|| name.to_owned());
                        add(what, format!("{path}?{others}{name}={value}"), None, field);
                    }
                }
            }
            add("nul in a name of the query".into(), format!("{path}?{needed}%00=1"), None, None);
            let Some(schema) =
                operation["requestBody"]["content"].get("application/json").map(|one| &one["schema"])
            else {
                add("as it is".into(), format!("{path}?{needed}"), None, None);
                continue;
            };
            let base = base(schemas, schema, things);
            let mut found = Vec::new();
            places(schemas, schema, &[], &mut found);
            assert!(!found.is_empty(), "{method} {template} takes a body without fields");
            found.push(vec!["an unknown one".into()]);
            for place in &found {
                let keys: Vec<&str> = place.iter().map(String::as_str).filter(|step| *step != "0").collect();
                for (what, fragment) in fragments() {
                    let field = what.starts_with("nul").then(|| match what {
                        "nul in a key" => format!("{}.a\u{fffd}", keys.join(".")),
                        _ => keys.join("."),
                    });
                    let body = with(&base, place, &fragment).into_bytes();
                    add(format!("{} {what}", place.join(".")), path.clone(), Some(body), field);
                }
            }
            let odd: [&[u8]; 9] = [
                b"null",
                b"[]",
                b"{",
                b"\xff\xfe",
                b"{\"\\u0000\": 1}",
                b"\"\\u0000\"",
                b"{\"a\": 1, \"a\": 2}",
                b"1e999",
                b"{}{}",
            ];
            for body in odd {
                add(
                    format!("body {}", String::from_utf8_lossy(body)),
                    path.clone(),
                    Some(body.to_vec()),
                    None,
                );
            }
            add("deep".into(), path.clone(), Some(b"[".repeat(100_000)), None);
        }
    }
    cases
}

/// The status of every case, by its name.
async fn over_http(world: &World, description: &Value) -> BTreeMap<String, u16> {
    let things = Things::of(world).await;
    let token = world.api("owner@example.com").await.token;
    let http = crate::kit::http();
    let mut seen = BTreeMap::new();
    for case in cases(description, &things) {
        let url = format!("http://{}{}", world.address, case.path);
        // As it is: a client's library would mend what is malformed.
        let mut request = http.request(case.method.parse().expect("a method"), &url);
        if !case.path.contains("/session") {
            request = request.bearer_auth(&token);
        }
        if let Some(body) = case.body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.expect(&case.name);
        let status = answer.status().as_u16();
        assert!(status < 500, "{}: {status} {}", case.name, answer.text().await.unwrap_or_default());
        if let Some(field) = case.field {
            let problem: Value = answer.json().await.expect(&case.name);
            let named = problem["field"].as_str().unwrap_or_default();
            let is_named = named == field || (named.is_empty() && case.name.contains("hooks"));
            assert!(status == 400 && is_named, "{}: {status} {problem}", case.name);
        }
        seen.insert(case.name, status);
    }
    let (status, _) = world.api("owner@example.com").await.get("/api/v1/me").await;
    assert_eq!(status, 200, "the server is as well as before");
    seen
}

async fn same(one: impl AsyncFn(&World) -> BTreeMap<String, u16>) -> BTreeMap<String, u16> {
    let mut all = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        // Without turns, which come and go with the time.
        let settings = ChannelSettings { ai: false, ..crate::kit::quick() };
        let world = World::with(engine, settings).await;
        all.push(one(&world).await);
        world.finish().await;
    }
    let differ: Vec<_> = all[0].iter().filter(|(name, status)| all[1].get(*name) != Some(*status)).collect();
    assert!(
        differ.is_empty(),
        "the engines disagree: {:#?}",
        differ.iter().map(|(name, status)| (name, status, all[1].get(*name))).collect::<Vec<_>>()
    );
    all.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_every_route_it_is_the_callers_fault_on_both_engines() {
    let description: Value = serde_json::from_str(hubbub::operations::openapi_json()).expect("JSON");
    let seen = same(async |world| over_http(world, &description).await).await;
    let refused = seen.values().filter(|status| **status >= 400).count();
    println!("{} requests over HTTP, {refused} refused", seen.len());
    assert!(seen.len() > 1_500 && refused > 1_000, "{} of {}", refused, seen.len());
}

/// The fields of a method's arguments, as its refusal of an unknown one names them.
async fn fields(client: &mut Client, method: &str) -> BTreeSet<String> {
    let error = client.raw_rpc(method, r#"{"?": 1}"#).await["error"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let expected = error.split_once("expected").map_or("", |(_, names)| names);
    let named: BTreeSet<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    if named.is_empty() {
        // The arguments of a message are in two structs, which know no unknown fields.
        assert_eq!(method, "message.send", "{error}");
        return ["conversation", "client_id", "text", "attachments", "reply_to"].map(str::to_owned).into();
    }
    named
}

async fn over_the_socket(world: &World) -> BTreeMap<String, u16> {
    let things = Things::of(world).await;
    let token = world.api("owner@example.com").await.token;
    let mut seen = BTreeMap::new();
    for method in hubbub::operations::methods() {
        let is_workers = method.starts_with("turn.") || method.starts_with("responder.");
        let mut client = if is_workers {
            world.worker(1).await
        } else {
            Client::connect(world.address, As::Token(token.clone())).await
        };
        let fields = fields(&mut client, method).await;
        let base: Value = fields
            .iter()
            .filter_map(|name| Some((name.clone(), things.good(name)?)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let mut all: Vec<(String, String)> = ["1e999", "[]", "\"\\u0000\"", "{\"\\u0000\": 1}", "null"]
            .iter()
            .map(|text| ((*text).to_owned(), (*text).to_owned()))
            .collect();
        for field in &fields {
            for (what, fragment) in fragments() {
                all.push((format!("{field} {what}"), with(&base, std::slice::from_ref(field), &fragment)));
            }
            for place in [
                vec![field.clone(), "0".into(), "text".into()],
                vec![field.clone(), "0".into(), "name".into()],
            ] {
                all.push((format!("{} nul", place.join(".")), with(&base, &place, r#""\u0000""#)));
            }
        }
        for chunk in all.chunks(40) {
            // So many calls at once are in nobody's way.
            if !is_workers {
                client.close().await;
                client = Client::connect(world.address, As::Token(token.clone())).await;
            }
            for (what, arguments) in chunk {
                let name = format!("{method}: {what}");
                // What is no JSON at all ends the connection, as it says nothing of whose fault it is.
                if arguments.contains("NaN") || arguments.contains('\u{1}') {
                    continue;
                }
                let reply = client.raw_rpc(method, arguments).await;
                let error = &reply["error"];
                let code = error["code"].as_u64().unwrap_or(0) as u16;
                assert!(error["temporary"] != true && code != 100 && code != 500, "{name}: {reply}");
                if what.contains("nul") {
                    assert_eq!(code, 400, "{name}: {reply}");
                }
                seen.insert(name, code);
            }
        }
        client.close().await;
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_every_method_it_is_refused_for_good_on_both_engines() {
    let seen = same(over_the_socket).await;
    let refused = seen.values().filter(|code| **code >= 400).count();
    println!("{} calls over the socket, {refused} refused", seen.len());
    assert!(seen.len() > 800 && refused > 600, "{refused} of {}", seen.len());
}
