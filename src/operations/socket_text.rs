//! The socket's document: `rpc/socket.md` with the table of methods in place of its marker.

use serde_json::Value;

use super::entry::Operation;
use super::schemas::Schemas;
use crate::accounts::{Permission, Role};

const TEXT: &str = include_str!("../rpc/socket.md");
const MARK: &str = "{methods}";

pub(super) fn document(table: &[Operation]) -> String {
    TEXT.replace(MARK, &methods(table))
}

fn methods(table: &[Operation]) -> String {
    let mut schemas = Schemas::default();
    let mut rows = vec![["method", "arguments", "result", "needs", "what it does"].map(str::to_owned)];
    for operation in table {
        let described = (operation.describe)(&mut schemas);
        let Some(result) = &described.result else { continue };
        let mut arguments: Vec<String> =
            operation.guard.thing.map(|thing| thing.word().to_owned()).into_iter().collect();
        if let Some(args) = &described.args {
            arguments.extend(fields(schemas.resolve(args), "?"));
        }
        let result = fields(schemas.resolve(result), "").join(", ");
        let summary = operation.doc.trim().split("\n\n").next().unwrap_or_default();
        let summary = summary.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let needs = roles(operation.guard.need);
        rows.push([operation.name.to_owned(), arguments.join(", "), format!("{{{result}}}"), needs, summary]);
    }
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.insert(1, widths.map(|width| "-".repeat(width)));
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The names of a type's fields; optional ones carry the mark `optional`.
fn fields(schema: &Value, optional: &str) -> Vec<String> {
    let required =
        |name: &String| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let names = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
    names.map(|name| if required(name) { name.clone() } else { format!("{name}{optional}") }).collect()
}

/// The tenant roles that have a permission.
fn roles(need: Permission) -> String {
    let all = [Role::Owner, Role::Agent, Role::Viewer, Role::Responder];
    let having = all.iter().filter(|role| role.permissions().has(need)).map(|role| role.as_str());
    having.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_document_names_every_method() {
        let text = super::document(&super::super::table());
        assert!(!text.contains(super::MARK));
        for method in super::super::methods() {
            assert!(text.contains(&format!("| {method} ")), "{method} is not in the document");
        }
        assert!(text.contains("conversation, client_id, text"), "with their arguments");
    }
}
