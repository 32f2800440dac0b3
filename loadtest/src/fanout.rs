//! `loadtest fanout`: rooms with subscribers, publications on an open-loop schedule. Measures the latency, the
//! server's cost per delivery and its saturation, and checks that each subscriber got each publication once and in
//! order.

mod args;
mod report;
mod search;
mod trial;

use anyhow::{Result, ensure};

pub(crate) use self::args::Args;
use self::report::{FanoutReport, Plan};
use self::trial::Trial;
use crate::aim::Bare;

pub(crate) async fn run(args: Args) -> Result<bool> {
    ensure!(args.rate > 0.0 && args.seconds > 0.0, "--rate and --seconds must be above 0");
    ensure!(args.rounds > 0, "--rounds must be above 0");
    ensure!(args.rooms > 0 && args.subscribers > 0, "--rooms and --subscribers must be above 0");
    ensure!(args.stalled < args.rooms * args.subscribers, "--stalled leaves nobody to be measured");
    let site = args.aim.site();
    let mut server = Trial::open(&args, &site, args.stalled).await?;
    let bare = if args.baseline { Some(Bare::start(&site, 0).await?) } else { None };
    // The bare server has no limit for slow readers, so nobody stalls there.
    let mut baseline = match &bare {
        Some(bare) => Some(Trial::open(&args, &bare.site, 0).await?),
        None => None,
    };
    if args.search {
        let half = search::run(&mut server, &args, None).await?;
        if let Some(baseline) = &mut baseline {
            search::run(baseline, &args, half).await?;
        }
    } else {
        for _ in 0..args.rounds {
            server.round(&args).await?;
            if let Some(baseline) = &mut baseline {
                baseline.round(&args).await?;
            }
        }
    }
    let server = server.finish().await?;
    let baseline = match baseline {
        Some(baseline) => Some(baseline.finish().await?),
        None => None,
    };
    let report = FanoutReport::new(Plan::of(&args), server, baseline);
    crate::report::publish(&report, args.aim.json.as_deref())?;
    Ok(report.problems.is_empty())
}
