//! Modules import each other in one direction only, so that each can be drawn on paper under those that use it. Reads
//! the sources and refuses a circle between the modules of a folder. A module's tests count for
//! nothing, and neither does a re-export of what is below.

#[path = "circles/graph.rs"]
mod graph;
#[path = "circles/rust.rs"]
mod rust;
#[path = "circles/text.rs"]
mod text;
#[path = "circles/typescript.rs"]
mod typescript;

use std::{fs, path::Path};

use graph::{Import, circles};

type Read = fn(&[Source]) -> Vec<Import>;

/// What is refused in a tree of sources.
#[derive(Clone, Copy, PartialEq)]
enum Force {
    /// Circles are only printed.
    None,
    /// Circles between the top modules of the tree, not those inside their folders.
    Top,
    /// Circles between the modules of a folder.
    Modules,
    /// Also those with the folder's own file (`room.rs` for `room/`): a child uses nothing that its parent defines, if
    /// the parent uses the child.
    OwnFiles,
}

/// Every tree of sources. One that has lost its circles is put into force in the same commit.
const ROOTS: [(&str, Read, Force); 7] = [
    ("hub/src", rust::imports, Force::OwnFiles),
    ("adapters/src", rust::imports, Force::None),
    ("src", rust::imports, Force::Top),
    ("loadtest/src", rust::imports, Force::OwnFiles),
    ("emulators/src", rust::imports, Force::OwnFiles),
    ("responder/src", rust::imports, Force::Modules),
    ("web/src", typescript::imports, Force::Modules),
];

/// A file by its path under the root.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn has_ending(&self, ending: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|known| known == ending)
    }
}

#[test]
fn no_module_imports_what_is_above_it() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut refused = String::new();
    for (root, read, force) in ROOTS {
        let mut sources = Vec::new();
        collect(&workspace.join(root), "", &mut sources);
        assert!(sources.len() > 10, "{root} has no sources");
        let found = match force {
            Force::None | Force::OwnFiles => circles(&read(&sources), true),
            Force::Modules => circles(&read(&sources), false),
            Force::Top => circles(&top(read(&sources)), false),
        };
        if force == Force::None {
            let modules = circles(&read(&sources), false).len();
            println!("{root}: {modules} circles of modules, {} with own files", found.len());
            for circle in found {
                println!("{root}: {circle}");
            }
        } else {
            refused.extend(found.iter().map(|circle| format!("{root}: {circle}\n")));
        }
    }
    assert!(refused.is_empty(), "modules that import each other:\n{refused}");
}

/// Each import by the top modules of its two ends.
fn top(mut imports: Vec<Import>) -> Vec<Import> {
    for import in &mut imports {
        import.from.truncate(1);
        import.to.truncate(1);
    }
    imports
}

fn collect(folder: &Path, under: &str, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<_> = entries.map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{under}{name}");
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), sources);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            sources.push(Source { path, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(read: Read, files: &[(&str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| Source { path: (*path).into(), text: (*text).into() };
        circles(&read(&files.iter().map(source).collect::<Vec<_>>()), true)
    }

    #[test]
    fn an_invented_circle_is_refused_with_its_lines() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\nmod c;\npub use c::Three;"),
            ("a.rs", "use std::fmt;\nuse crate::b::{self, deep::Two};"),
            ("b.rs", "pub mod deep;"),
            ("b/deep.rs", "pub struct Two;\nfn two() { crate::Three::new(super::x()) }"),
            ("c.rs", "// use crate::b;\npub struct Three;\nuse crate::a::One;"),
        ];
        let circle = found(rust::imports, &files);
        assert_eq!(circle.len(), 1, "{circle:#?}");
        assert!(circle[0].starts_with("a, b, c import each other"), "{circle:?}");
        for line in ["a.rs:2 imports b", "b/deep.rs:2 imports c", "c.rs:3 imports a"] {
            assert!(circle[0].contains(line), "{line} in {circle:?}");
        }
    }

    #[test]
    fn layers_tests_and_re_exports_are_no_circle() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use a::One;"),
            (
                "a.rs",
                "pub struct One;\n#[cfg(test)]\nmod tests {\n use crate::b::Two;\n}\nconst S: &str = \"crate::b::x\";",
            ),
            ("b.rs", "mod inner;\npub use inner::Two;\nmod os { use super::One; }\nuse crate::One;"),
            ("b/inner.rs", "pub struct Two(crate::One);"),
            ("b/tests.rs", "use super::Two;\nuse crate::a;"),
        ];
        assert_eq!(found(rust::imports, &files), Vec::<String>::new());
    }

    #[test]
    fn a_parent_that_uses_its_child_is_not_used_by_it() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a.rs", "mod child;\nfn one() { child::two() }"),
            ("a/child.rs", "pub fn two() { super::one() }"),
        ];
        assert_eq!(found(rust::imports, &files).len(), 1);
    }

    #[test]
    fn top_modules_are_judged_without_their_folders() {
        let source = |(path, text): &(&str, &str)| Source { path: (*path).into(), text: (*text).into() };
        let files = [
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "mod x;\nmod y;"),
            ("a/x.rs", "use super::y::Two;"),
            ("a/y.rs", "use super::x::One;\nuse crate::b::Three;"),
            ("b.rs", "pub struct Three;"),
        ];
        let found = |files: &[(&str, &str)]| {
            let sources: Vec<_> = files.iter().map(source).collect();
            circles(&top(rust::imports(&sources)), false)
        };
        assert_eq!(found(&files), Vec::<String>::new());
        let back = [files[0], files[1], files[2], files[3], ("b.rs", "use crate::a::x::One;")];
        let circle = found(&back);
        assert_eq!(circle.len(), 1, "{circle:#?}");
        assert!(
            circle[0].contains("a/y.rs:2 imports b") && circle[0].contains("b.rs:1 imports a"),
            "{circle:?}"
        );
    }

    #[test]
    fn scripts_are_read_by_their_import_lines() {
        let files = [
            ("app.ts", "import { a } from \"./state/a\";"),
            ("state/a.ts", "import type { B } from \"../views/b\";\nimport fs from \"fs\";"),
            ("views/b.tsx", "export { c } from '../state/c';"),
            ("state/c.ts", "const lazy = () => import(\"./a\");"),
            ("state/a.test.ts", "import \"../app\";"),
        ];
        let circle = found(typescript::imports, &files);
        assert_eq!(circle.len(), 1, "{circle:#?}");
        assert!(circle[0].contains("state/a.ts:1 imports views"), "{circle:?}");
    }
}
