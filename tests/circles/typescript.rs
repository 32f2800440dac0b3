//! The import lines of TypeScript. A module is a file, or the folder that it is in.

use super::{
    Source,
    graph::Import,
    text::{code, line},
};

pub fn imports(sources: &[Source]) -> Vec<Import> {
    let scripts = sources.iter().filter(|source| {
        let is_script = source.has_ending("ts") || source.has_ending("tsx");
        is_script && !source.path.contains(".test.") && !source.path.ends_with(".d.ts")
    });
    scripts.flat_map(of_one).collect()
}

fn of_one(source: &Source) -> Vec<Import> {
    let code = code(&source.text, true);
    let mut imports = Vec::new();
    for opening in ["from ", "import ", "import("] {
        for (at, _) in code.match_indices(opening) {
            let rest = &code[at + opening.len()..];
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
            let Some(target) = rest[1..].split(quote).next().filter(|target| target.starts_with('.')) else {
                continue;
            };
            let from = module(&source.path);
            let mut to = from[..from.len() - 1].to_vec();
            for part in target.split('/') {
                match part {
                    "." => {}
                    ".." => drop(to.pop()),
                    name => to.push(name.split('.').next().unwrap_or(name).to_owned()),
                }
            }
            imports.push(Import { from, to, at: format!("{}:{}", source.path, line(&code, at)) });
        }
    }
    imports
}

fn module(path: &str) -> Vec<String> {
    path.split('/').map(|part| part.split('.').next().unwrap_or(part).to_owned()).collect()
}
