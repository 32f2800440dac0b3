//! Collects the named schemas of the API while the table is read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;

/// The named schemas so far.
#[derive(Default)]
pub(super) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Adds a type with the types it uses, and returns the reference to it.
    pub fn add<T: ToSchema>(&mut self) -> Value {
        let name = T::name().into_owned();
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        if !self.0.contains_key(&name) {
            let mut parts = Vec::new();
            T::schemas(&mut parts);
            let mut put = |name: String, schema: Value| {
                let known = self.0.entry(name).or_insert_with_key(|_| schema.clone());
                debug_assert_eq!(*known, schema, "two types have one name in the API's description");
            };
            put(name, as_value(&T::schema()));
            for (name, schema) in parts {
                put(name, as_value(&schema));
            }
        }
        reference
    }

    /// Adds a schema that belongs to no Rust type.
    pub fn put(&mut self, name: &str, schema: Value) {
        self.0.insert(name.to_owned(), schema);
    }

    /// The schema behind a reference; any other schema is returned unchanged.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        name.and_then(|name| self.0.get(name)).unwrap_or(schema)
    }

    /// Marks all fields of the types that only the server sends as required: it sends a field without a value as null,
    /// except those in `left_out`.
    pub fn complete(&mut self, taken: &[Value], left_out: &[(&str, &str)]) {
        let mut of_callers = std::collections::BTreeSet::new();
        for schema in taken {
            self.reach(schema, &mut of_callers);
        }
        for (name, schema) in &mut self.0 {
            if !of_callers.contains(name) {
                let may_lack = |field: &str| left_out.contains(&(name.as_str(), field));
                require(schema, &may_lack);
            }
        }
    }

    fn reach(&self, schema: &Value, found: &mut std::collections::BTreeSet<String>) {
        match schema {
            Value::Object(fields) => {
                let name =
                    fields.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
                if let Some((name, schema)) = name.and_then(|name| self.0.get_key_value(name))
                    && found.insert(name.clone())
                {
                    self.reach(schema, found);
                }
                fields.values().for_each(|inner| self.reach(inner, found));
            }
            Value::Array(list) => list.iter().for_each(|inner| self.reach(inner, found)),
            _ => {}
        }
    }

    pub fn into_value(self) -> Value {
        self.0.into_iter().collect()
    }
}

fn require(schema: &mut Value, may_lack: &impl Fn(&str) -> bool) {
    if let Some(names) = schema["properties"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()) {
        schema["required"] = names.into_iter().filter(|name| !may_lack(name)).collect();
    }
    for way in ["allOf", "oneOf"] {
        for part in schema.get_mut(way).and_then(Value::as_array_mut).into_iter().flatten() {
            require(part, may_lack);
        }
    }
}

fn as_value(schema: &impl serde::Serialize) -> Value {
    // A schema always serialises.
    serde_json::to_value(schema).unwrap_or_default()
}

/// The arguments and answers of an operation.
#[derive(Default)]
pub(super) struct Described {
    /// Without the id of the target.
    pub args: Option<Value>,
    /// Arguments in the query, of an operation that reads its body by itself.
    pub in_query: Option<Value>,
    /// A body that is not JSON: its content type and its description.
    pub raw_body: Option<&'static str>,
    pub answers: Vec<Shape>,
    /// The result over the socket.
    pub result: Option<Value>,
    /// Set if the operation has other security than a signed-in caller.
    pub security: Option<Value>,
    /// The path parameter, if it is not an id.
    pub in_path: Option<&'static str>,
    /// The statuses of refusals, if they are not the usual ones.
    pub refuses: Option<&'static [u16]>,
}

/// One answer of an operation.
#[derive(Default)]
pub(super) struct Shape {
    pub status: u16,
    pub says: &'static str,
    /// The content type, and its schema if there is one.
    pub content: Option<(&'static str, Value)>,
}

impl Shape {
    pub fn json(status: u16, schema: Value) -> Self {
        Self { status, says: "", content: Some(("application/json", schema)) }
    }

    /// Text or bytes.
    pub fn of(status: u16, kind: &'static str) -> Self {
        Self { status, says: "", content: Some((kind, json!({ "type": "string" }))) }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    #[must_use]
    pub fn says(mut self, text: &'static str) -> Self {
        self.says = text;
        self
    }
}
