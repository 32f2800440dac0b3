//! `loadtest model`: what an installation of many nodes needs, by arithmetic over measured costs and a simulation of how
//! unequal tenants and the places of their sessions load its parts. It opens no connection.

mod args;
mod load;
mod parts;

use anyhow::{Context as _, Result, ensure};

pub(crate) use self::args::Args;
use self::load::Load;
use self::parts::Part;
use crate::clock::Dice;

/// The most sessions that are placed one by one.
const MOST_SESSIONS: f64 = 200_000_000.0;

pub(crate) fn run(args: &Args) -> Result<bool> {
    ensure!(args.tenants > 0 && args.nodes > 0, "there must be a tenant and a node");
    ensure!(args.costs.databases > 0 && args.costs.buses > 0, "there must be a database and a bus");
    let sessions = args.managers * args.tenants as f64;
    ensure!(
        sessions <= MOST_SESSIONS,
        "more than {MOST_SESSIONS} sessions: model a part of the installation"
    );
    let load = Load::simulate(args, &mut Dice::new(args.seed));
    let parts = parts::of(&load, &args.costs);
    print(args, &load, &parts);
    if let Some(file) = &args.json {
        let report = serde_json::json!({"costs": args.costs, "load": load, "parts": parts});
        std::fs::write(file, report.to_string()).with_context(|| file.display().to_string())?;
    }
    Ok(parts.iter().all(|part| part.used <= 1.0))
}

fn print(args: &Args, load: &Load, parts: &[Part]) {
    println!(
        "{} tenants, {:.0} sessions, {:.0} messages/s, {:.0} events/s, {} nodes",
        args.tenants,
        load.sessions,
        load.events / args.events,
        load.events,
        args.nodes
    );
    println!(
        "largest tenant: {:.0} sessions, {:.1} events/s; topics on a node: {:.0} of {}; nodes a topic: {:.2}",
        load.largest_sessions,
        load.largest_events,
        load.topics_of_a_node,
        args.tenants,
        load.nodes_of_a_topic
    );
    println!("{:<46} {:>10} {:>14}", "part", "used", "full at a load");
    for part in parts {
        println!("{:<46} {:>9.1}% {:>12.1} x", part.name, part.used * 100.0, part.headroom());
    }
    if let Some(first) = parts.first() {
        println!("the first to be full: {}", first.name);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parts(words: &[&str]) -> (Load, Vec<Part>) {
        let args = Cli::parse_from([&["model"], words].concat()).args;
        let load = Load::simulate(&args, &mut Dice::new(args.seed));
        let parts = parts::of(&load, &args.costs);
        (load, parts)
    }

    fn used(parts: &[Part], name: &str) -> f64 {
        parts.iter().find(|part| part.name.contains(name)).expect("the part").used
    }

    #[test]
    fn equal_tenants_are_plain_arithmetic() {
        let (load, parts) = parts(&["--skew", "0", "--events", "1", "--nodes", "1"]);
        assert!((load.events - 1_000.0 * 50.0 / 60.0).abs() < 0.01, "{}", load.events);
        assert!((load.sessions - 20_000.0).abs() < 1.0);
        // 833 events/s, each stored, published, taken from the bus and delivered to 20.
        let cpu = 833.333 * (80.0 + 10.0 + 10.0 + 20.0 * 6.0) + 20_000.0 * 0.8;
        assert!((used(&parts, "node: processor") - cpu / 4e6).abs() < 0.001, "{parts:?}");
        assert!((used(&parts, "database: processor") - 833.333 * 150.0 / 16e6).abs() < 0.001);
        assert!((used(&parts, "one core") - 833.333 * 10.0 / 1e6).abs() < 0.001);
    }

    #[test]
    fn sessions_of_a_tenant_are_on_few_nodes_when_they_are_few() {
        let (load, _) = parts(&["--skew", "0", "--managers", "1", "--nodes", "50"]);
        assert!((load.nodes_of_a_topic - 1.0).abs() < 1e-9);
        let (load, _) = parts(&["--skew", "0", "--managers", "1000", "--tenants", "10", "--nodes", "5"]);
        assert!((load.nodes_of_a_topic - 5.0).abs() < 1e-9);
        assert!((load.topics_of_a_node - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_giant_is_full_before_the_others_are() {
        let words =
            ["--tenants", "1000", "--skew", "1.2", "--managers", "0.5", "--messages-per-minute", "600"];
        let words = [&words[..], &["--nodes", "40", "--databases", "50", "--buses", "50"]].concat();
        let (_, parts) = parts(&words);
        assert_eq!(parts[0].name, "the largest tenant: its commits, one after the other", "{parts:?}");
        assert!(parts.is_sorted_by(|one, next| one.used >= next.used));
    }

    #[test]
    fn the_same_seed_gives_the_same_load() {
        let twice = [parts(&["--seed", "7"]).1, parts(&["--seed", "7"]).1];
        let bits = |of: &[Part]| used(of, "node: processor").to_bits();
        assert_eq!(bits(&twice[0]), bits(&twice[1]));
    }
}
