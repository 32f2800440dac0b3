//! The table as an OpenAPI description, extended by the socket: the schema `SocketMethods` holds the arguments and the
//! result of each method, `x-operations` the permission of each operation.

use serde_json::{Map, Value, json};

use super::entry::{Operation, Route};
use super::schemas::{Described, Schemas};
use crate::accounts::profile::Connected;
use crate::http::problem::Problem;
use crate::inbox::turn::OfferedTurn;
use crate::model::{Event, RoomFrame};

const ABOUT: &str = "Every customer message once and in order, live to people and AI workers. Ids are uuids, times Unix \
    milliseconds, refusals problem documents (RFC 9457). The live feed is the socket's: see /docs/socket.";

/// Fields that are omitted when they have no value; all other optional fields are null.
const LEFT_OUT: &[(&str, &str)] = &[("Session", "refresh_token"), ("Problem", "field")];

const REFUSALS: &[(u16, &str)] = &[
    (400, "The request is wrong; `field` says where."),
    (401, "Sign in first."),
    (403, "Seen, but not allowed."),
    (404, "There is no such thing, or not for this caller."),
    (409, "The state of the thing does not allow it; `code` says why."),
    (413, "The body is too large."),
    (503, "Busy, or not ready: come again."),
];

pub(super) fn openapi(table: &[Operation]) -> Value {
    let mut schemas = Schemas::default();
    let described: Vec<Described> = table.iter().map(|one| (one.describe)(&mut schemas)).collect();
    schemas.add::<Problem>();
    schemas.add::<Event>();
    schemas.add::<RoomFrame>();
    schemas.add::<OfferedTurn>();
    schemas.add::<Connected>();
    let taken: Vec<Value> = described.iter().filter_map(|one| one.args.clone()).collect();
    schemas.complete(&taken, LEFT_OUT);
    let mut paths = Map::new();
    for (operation, described) in table.iter().zip(&described) {
        if let Some(route) = &operation.route {
            let methods = paths.entry(route.path).or_insert_with(|| json!({}));
            methods[route.method.as_str().to_lowercase()] = of_route(operation, route, described, &schemas);
        }
    }
    let methods = methods(table, &described);
    schemas.put("SocketMethods", methods);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hubbub",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "schemas": schemas.into_value(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
        "security": [{ "token": [] }, { "key": [] }],
        "x-operations": table.iter().map(|one| (one.name.to_owned(), rights(one))).collect::<Map<_, _>>(),
    })
}

fn rights(operation: &Operation) -> Value {
    let needs = operation.guard.need.as_str();
    match &operation.route {
        Some(Route { method, path, .. }) => {
            json!({ "needs": needs, "http": format!("{method} {path}"), "socket": operation.method.is_some() })
        }
        None => json!({ "needs": needs, "socket": true }),
    }
}

fn of_route(operation: &Operation, route: &Route, described: &Described, schemas: &Schemas) -> Value {
    // A blank line ends the summary.
    let (summary, text) = operation.doc.split_once("\n\n").unwrap_or((operation.doc, ""));
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned();
    let (summary, text) = (lines(summary).replace('\n', " "), lines(text));
    let mut about = json!({
        "tags": [operation.tag],
        "summary": summary,
        "operationId": operation_id(route),
        "responses": responses(route, described),
        "x-operation": operation.name,
    });
    if !text.is_empty() {
        about["description"] = text.into();
    }
    let mut parameters = Vec::new();
    for part in route.path.split('{').skip(1) {
        let name = part.split_once('}').map_or(part, |(name, _)| name);
        let mut parameter = json!({ "name": name, "in": "path", "required": true });
        match described.in_path {
            Some(text) => {
                parameter["description"] = text.into();
                parameter["schema"] = json!({ "type": "string" });
            }
            None => parameter["schema"] = json!({ "type": "string", "format": "uuid" }),
        }
        parameters.push(parameter);
    }
    if let Some(args) = &described.in_query {
        parameters.extend(in_query(args, schemas));
    }
    match &described.args {
        Some(args) if route.method == axum::http::Method::GET => parameters.extend(in_query(args, schemas)),
        Some(args) => {
            about["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": args } } });
        }
        None => {}
    }
    if let Some(text) = described.raw_body {
        let schema = json!({ "type": "string", "format": "binary" });
        about["requestBody"] = json!({
            "required": true, "description": text, "content": { "application/octet-stream": { "schema": schema } },
        });
    }
    if !parameters.is_empty() {
        about["parameters"] = parameters.into();
    }
    if let Some(security) = &described.security {
        about["security"] = security.clone();
    }
    about
}

/// Unique, unlike the path alone: `get_channels`, `post_conversations_id_take_over`.
fn operation_id(route: &Route) -> String {
    let words =
        route.path.trim_start_matches("/api/v1").replace(['{', '}'], "").replace(['/', '-', '.'], "_");
    format!("{}{words}", route.method.as_str().to_lowercase())
}

/// The fields of a type, each as a query parameter.
fn in_query(args: &Value, schemas: &Schemas) -> Vec<Value> {
    let schema = schemas.resolve(args);
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let fields = schema["properties"].as_object().into_iter().flatten();
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let text = schema.as_object_mut().and_then(|fields| fields.remove("description"));
        let mut parameter =
            json!({ "name": name, "in": "query", "required": required(name), "schema": present(schema) });
        if let Some(text) = text {
            parameter["description"] = text;
        }
        parameter
    };
    fields.map(parameter).collect()
}

/// A schema without null, which a query parameter cannot express.
fn present(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array() {
        let mut others = types.iter().filter(|one| *one != "null");
        if let (Some(one), None) = (others.next().cloned(), others.next()) {
            schema["type"] = one;
        }
    }
    if let Some([one, other]) = schema["oneOf"].as_array().map(Vec::as_slice) {
        let kept = if one["type"] == "null" { other } else { one };
        return kept.clone();
    }
    schema
}

fn responses(route: &Route, described: &Described) -> Map<String, Value> {
    let mut all = Map::new();
    for shape in &described.answers {
        let mut answer = json!({ "description": shape.says });
        if let Some((kind, schema)) = &shape.content {
            answer["content"] = json!({ *kind: { "schema": schema } });
        }
        all.insert(shape.status.to_string(), answer);
    }
    let usual: &[u16] = if route.method == axum::http::Method::GET {
        &[400, 401, 403, 404]
    } else {
        &[400, 401, 403, 404, 409]
    };
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    for status in described.refuses.unwrap_or(usual) {
        let text = REFUSALS.iter().find(|(one, _)| one == status).map_or("", |(_, text)| text);
        let content = json!({ "application/problem+json": { "schema": schema } });
        all.insert(status.to_string(), json!({ "description": text, "content": content }));
    }
    all
}

/// The socket's methods: arguments and result of each.
fn methods(table: &[Operation], described: &[Described]) -> Value {
    let mut methods = Map::new();
    for (operation, described) in table.iter().zip(described) {
        if let Some(result) = &described.result {
            let method = json!({
                "type": "object",
                "description": operation.doc.trim(),
                "required": ["args", "result"],
                "properties": { "args": arguments(operation, described), "result": result },
            });
            methods.insert(operation.name.to_owned(), method);
        }
    }
    let names: Vec<&String> = methods.keys().collect();
    let about =
        "The arguments and the result of each method of the socket; no document of this form is ever sent.";
    json!({ "type": "object", "description": about, "required": names, "properties": methods })
}

/// The arguments of a method, with the id of its target.
fn arguments(operation: &Operation, described: &Described) -> Value {
    let id = operation.guard.thing.map(|thing| {
        let id = json!({ "type": "string", "format": "uuid" });
        json!({ "type": "object", "required": [thing.word()], "properties": { thing.word(): id } })
    });
    match (id, &described.args) {
        (Some(id), Some(args)) => json!({ "allOf": [id, args] }),
        (Some(id), None) => id,
        (None, Some(args)) => args.clone(),
        (None, None) => json!({ "type": "object" }),
    }
}
