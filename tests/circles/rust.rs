//! The `use` declarations and paths of Rust. A module is a file with the folder of its name; a name that a module
//! re-exports is followed to where it comes from.

use std::collections::BTreeMap;

use super::{
    Source,
    graph::Import,
    text::{code, is_name, line},
};

type Path = Vec<String>;

struct Module {
    file: String,
    code: String,
    /// Names made by `use`, with the path of each.
    names: BTreeMap<String, Path>,
    paths: Vec<Found>,
}

struct Found {
    path: Path,
    at: usize,
    re_export: bool,
}

pub fn imports(sources: &[Source]) -> Vec<Import> {
    let has_lib = sources.iter().any(|source| source.path == "lib.rs");
    let mut modules = BTreeMap::new();
    for source in sources {
        let is_test = source.path.ends_with("tests.rs") || source.path.contains("tests/");
        // A program beside a library is another crate.
        if !source.has_ending("rs") || is_test || (has_lib && source.path == "main.rs") {
            continue;
        }
        modules.insert(module(&source.path), read(source));
    }
    let mut imports = Vec::new();
    for (from, read) in &modules {
        for found in &read.paths {
            let Some(to) = resolve(&modules, &found.path, 0) else { continue };
            if found.re_export && to.len() > from.len() && to.starts_with(from) {
                continue;
            }
            let at = format!("{}:{}", read.file, line(&read.code, found.at));
            imports.push(Import { from: from.clone(), to, at });
        }
    }
    imports
}

fn module(path: &str) -> Path {
    let mut parts: Path = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") || matches!(path, "lib.rs" | "main.rs") {
        parts.pop();
    }
    parts
}

/// The module in which an absolute path ends; `None` for one of another crate.
fn resolve(modules: &BTreeMap<Path, Module>, path: &[String], depth: usize) -> Option<Path> {
    let mut here: Path = Vec::new();
    for (n, name) in path.iter().enumerate() {
        let mut next = here.clone();
        next.push(name.clone());
        if modules.contains_key(&next) {
            here = next;
            continue;
        }
        let Some(known) = modules.get(&here).and_then(|module| module.names.get(name)) else { break };
        if depth > 8 {
            return None;
        }
        let target: Path = known.iter().chain(&path[n + 1..]).cloned().collect();
        return if known.is_empty() { None } else { resolve(modules, &target, depth + 1) };
    }
    Some(here)
}

fn read(source: &Source) -> Module {
    let code = without_tests(&code(&source.text, false));
    let own = module(&source.path);
    let inline = inline_modules(&code);
    let scope = |at: usize| -> Path {
        let around = inline.iter().filter(|(from, to, _)| (*from..*to).contains(&at));
        own.iter().cloned().chain(around.map(|(_, _, name)| name.clone())).collect()
    };
    let children: Vec<_> = words(&code, "mod").map(|at| first_name(&code[at + 3..])).collect();
    let mut module =
        Module { file: source.path.clone(), names: BTreeMap::new(), paths: Vec::new(), code: code.clone() };
    let mut declarations = Vec::new();
    for at in words(&code, "use") {
        let Some(length) = code[at..].find(';') else { continue };
        declarations.push(at..at + length);
        let re_export = before(&code, at).starts_with("pub");
        let tree: String = code[at + 3..at + length].split_whitespace().collect::<Vec<_>>().join(" ");
        let mut leaves = Vec::new();
        expand(&tree, &[], &mut leaves);
        for (path, alias) in leaves {
            let path = absolute(&path, &scope(at), &children);
            if scope(at) == own {
                module.names.insert(alias, path.clone().unwrap_or_default());
            }
            module.paths.extend(path.map(|path| Found { path, at, re_export }));
        }
    }
    for (at, _) in code.match_indices("::") {
        if declarations.iter().any(|range| range.contains(&at)) {
            continue;
        }
        let start = code[..at]
            .rfind(|c| !is_name(c))
            .map_or(0, |before| before + code[before..].chars().next().map_or(1, char::len_utf8));
        let first = &code[start..at];
        // The path of a visibility imports nothing.
        let is_start = !code[..start].ends_with("::") && !code[..start].ends_with("pub(in ");
        if is_start
            && (matches!(first, "crate" | "super" | "self") || children.iter().any(|child| child == first))
        {
            let end = code[at..].find(|c| !is_name(c) && c != ':').map_or(code.len(), |length| at + length);
            let path: Path =
                code[start..end].split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            let path = absolute(&path, &scope(start), &children);
            module.paths.extend(path.map(|path| Found { path, at: start, re_export: false }));
        }
    }
    module
}

/// The path from the root; `None` for one that begins with another crate.
fn absolute(path: &[String], scope: &[String], children: &[String]) -> Option<Path> {
    let mut base = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => scope.to_vec(),
        child if children.iter().any(|known| known == child) => scope.to_vec(),
        _ => return None,
    };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            name => base.push(name.to_owned()),
        }
    }
    Some(base)
}

/// The leaves of a `use` tree, each with the name that it gives.
fn expand(tree: &str, prefix: &[String], leaves: &mut Vec<(Path, String)>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let head = prefix.iter().cloned().chain(segments(&tree[..open])).collect::<Vec<_>>();
        let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
        let mut depth = 0;
        for part in inner.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        }) {
            expand(part, &head, leaves);
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let path: Path = prefix.iter().cloned().chain(segments(path)).filter(|part| part != "*").collect();
        let named = path.iter().rev().find(|part| *part != "self").cloned().unwrap_or_default();
        leaves.push((path, alias.map_or(named, |alias| alias.trim().to_owned())));
    }
}

fn segments(path: &str) -> impl Iterator<Item = String> {
    path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

/// Where a word stands alone.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let stands_alone = move |at: usize| {
        let (before, after) = (code[..at].chars().next_back(), code[at + word.len()..].chars().next());
        !before.is_some_and(is_name) && after.is_some_and(char::is_whitespace)
    };
    code.match_indices(word).map(|(at, _)| at).filter(move |at| stands_alone(*at))
}

fn first_name(text: &str) -> String {
    text.trim_start().chars().take_while(|c| is_name(*c)).collect()
}

/// The line up to here.
fn before(code: &str, at: usize) -> &str {
    code[code[..at].rfind('\n').map_or(0, |line| line + 1)..at].trim_start()
}

/// Where modules within the file begin and end.
fn inline_modules(code: &str) -> Vec<(usize, usize, String)> {
    let named = words(code, "mod").map(|at| (at, first_name(&code[at + 3..])));
    let open = |(at, name): (usize, String)| {
        let brace = code[at..].find(['{', ';']).map(|length| at + length)?;
        code[brace..].starts_with('{').then(|| (brace, closing(code, brace), name))
    };
    named.filter_map(open).collect()
}

fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 {
            return open + at;
        }
    }
    code.len()
}

/// Blanks what is there for tests only.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let item = at + attribute.len();
        let end = code[item..].find(['{', ';']).map_or(code.len(), |length| item + length);
        let end = if code[end..].starts_with('{') { closing(code, end) } else { end };
        // As many spaces as bytes, so that offsets stay.
        let blank: String = code[at..end].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
        out.replace_range(at..end, &blank);
    }
    out
}
