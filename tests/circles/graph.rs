//! Imports to circles. Each import belongs to the folder in which the ways to its two ends part.

use std::collections::{BTreeMap, BTreeSet};

/// One module imports another; both by their names from the root down.
pub struct Import {
    pub from: Vec<String>,
    pub to: Vec<String>,
    /// File and line.
    pub at: String,
}

/// The nodes of one folder by name, with one import for each arrow.
type Arrows<'a> = BTreeMap<String, BTreeMap<String, &'a Import>>;

/// A text for every set of modules of one folder that reach each other; `own_files`: the folder's own file is one.
pub fn circles(imports: &[Import], own_files: bool) -> Vec<String> {
    let mut folders: BTreeMap<&[String], Arrows<'_>> = BTreeMap::new();
    for import in imports {
        let shared = import.from.iter().zip(&import.to).take_while(|(a, b)| a == b).count();
        let (from_own, to_own) = (shared == import.from.len(), shared == import.to.len());
        if (from_own && to_own) || (!own_files && (from_own || to_own)) {
            continue;
        }
        let (folder, node) =
            (&import.from[..shared], |path: &[String]| name(&path[..path.len().min(shared + 1)], shared));
        let arrows = folders.entry(folder).or_default();
        arrows.entry(node(&import.from)).or_default().entry(node(&import.to)).or_insert(import);
    }
    folders.values().flat_map(knots).collect()
}

/// The folder's own file is told from the modules in it by its ending.
fn name(path: &[String], folder: usize) -> String {
    if path.len() == folder { format!("{}.rs", path.join("/")) } else { path.join("/") }
}

fn knots(arrows: &Arrows<'_>) -> Vec<String> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        arrows.keys().map(|node| (node, reach(arrows, node))).collect();
    let mut told = BTreeSet::new();
    let mut knots = Vec::new();
    for (node, forth) in &reached {
        if !forth.contains(node) || told.contains(node) {
            continue;
        }
        let knot: BTreeSet<_> = forth
            .iter()
            .copied()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(node)))
            .collect();
        told.extend(knot.iter().copied());
        let inside = arrows
            .iter()
            .filter(|(from, _)| knot.contains(from))
            .flat_map(|(_, to)| to.iter().filter(|(to, _)| knot.contains(to)));
        let lines: Vec<_> = inside.map(|(to, import)| format!("\n  {} imports {to}", import.at)).collect();
        let names: Vec<_> = knot.iter().map(|name| name.as_str()).collect();
        knots.push(format!("{} import each other:{}", names.join(", "), lines.concat()));
    }
    knots
}

fn reach<'a>(arrows: &'a Arrows<'_>, from: &'a String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(node) = next.pop() {
        for to in arrows.get(node).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(to) {
                next.push(to);
            }
        }
    }
    reached
}
