//! Random histories of merges and splits over six providers, compared with a model that knows no unions of sets: it colours
//! contacts anew after each step.

use adapters::event::Renamed;
use futures_util::StreamExt as _;
use futures_util::stream;
use hubbub::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};

use super::*;
use crate::kit::size;

const AT_ONCE: usize = 48;
const STEPS: u64 = 6;
const TENANTS: usize = 8;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below).unwrap_or(0)
    }
}

/// Reasons in their order; which contacts are one follows from them.
#[derive(Default)]
struct Model {
    reasons: Vec<(Uuid, usize, usize)>,
    proved: Vec<(usize, usize)>,
}

impl Model {
    /// As which contact each one is seen.
    fn seen(&self, of: usize) -> Vec<usize> {
        let mut colours: Vec<usize> = (0..of).collect();
        for (_, one, other) in &self.reasons {
            let (from, to) = (colours[*one], colours[*other]);
            for colour in colours.iter_mut().filter(|colour| **colour == from) {
                *colour = to;
            }
        }
        colours
    }
}

/// Messages of a tenant.
struct Count(Uuid);

impl Verb for Count {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        let sql = "select count(*) from messages where tenant = $1";
        Ok(tx.one::<(i64,)>(sql, &[Arg::from(self.0)]).await?.map_or(0, |(amount,)| amount))
    }
}

/// As what each contact is seen, and the messages of its own conversations.
struct Seen(Uuid, Vec<Uuid>);

impl Verb for Seen {
    type Out = Vec<(Uuid, i64)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let sql = "select coalesce(p.merged_into, p.id), (select cast(sum(c.last_seq) as bigint) from conversations c where c.tenant = p.tenant \
            and c.contact = p.id) from contacts p where p.tenant = $1 and p.id = $2";
        let asked: Vec<_> = self.1.iter().map(|id| vec![Arg::from(self.0), Arg::from(*id)]).collect();
        Ok(tx.each::<(Uuid, i64)>(sql, &asked).await?.into_iter().flatten().collect())
    }
}

/// The ids of a history, by the place of their channel.
fn people(number: u64) -> Vec<(usize, String)> {
    vec![
        (0, format!("9{number:010}@lid")),
        (0, format!("1555{number:07}@c.us")),
        (1, format!("US.{number:015}")),
        (1, format!("1666{number:07}")),
        (2, format!("-100{number:07}")),
        (2, format!("-200{number:07}")),
        (3, format!("psid{number}")),
        (4, format!("igsid{number}")),
        (5, format!("customer{number}@example.com")),
    ]
}

/// Pairs of which a provider proves that they are one.
const PROOFS: [(usize, usize); 3] = [(0, 1), (2, 3), (4, 5)];

async fn history(world: &World, all: &[Arc<Channel>], theirs: Uuid, seed: u64) -> i64 {
    let (mut dice, mut model) = (Dice(seed), Model::default());
    let people = people(seed % 1_000_000);
    let tenant = all[0].tenant;
    let mut sent = vec![0_i64; people.len()];
    let mut contacts = Vec::new();
    for (place, channel) in all.iter().enumerate() {
        let here = people.iter().enumerate().filter(|(_, (of, _))| *of == place);
        tell(world, channel, here.map(|(at, (_, id))| message(&format!("{seed}.{at}"), id, None)).collect())
            .await;
    }
    for (at, (place, id)) in people.iter().enumerate() {
        sent[at] += 1;
        contacts.push(contact(world, &all[*place], id).await);
    }
    for step in 0..STEPS {
        let before = model.seen(people.len());
        match dice.roll(10) {
            0..=4 => {
                let (one, other) = (dice.roll(9), dice.roll(9));
                let verb =
                    Merge { scope: Scope::system(tenant), contact: contacts[one], into: contacts[other] };
                let done = world.app.store.write(verb).await;
                if one == other {
                    assert!(done.is_err(), "seed {seed}");
                    continue;
                }
                let merges = done.expect("merged").value.merges;
                if before[one] == before[other] {
                    continue;
                }
                model.reasons.push((merges[0].id, one, other));
                if dice.roll(3) == 0 {
                    // Undone at once: everything is as it was.
                    let (merge, ..) = model.reasons.pop().expect("the last one");
                    let undo =
                        Split { scope: Scope::system(tenant), contact: contacts[other], merge, same: false };
                    world.app.store.write(undo).await.expect("undone");
                    assert_eq!(model.seen(people.len()), before, "seed {seed}");
                }
            }
            5..=6 => {
                let (one, other) = PROOFS[dice.roll(3)];
                let (place, id) = &people[one];
                if one == 4 {
                    let moved = Renamed { from: id.clone(), to: people[other].1.clone() };
                    tell(world, &all[*place], vec![Event::Renamed(moved)]).await;
                } else {
                    let key = format!("{seed}.proof.{step}");
                    tell(world, &all[*place], vec![message(&key, id, Some(&people[other].1))]).await;
                    sent[one] += 1;
                }
                if !model.proved.contains(&(one, other)) {
                    model.proved.push((one, other));
                    let merges = card(world, tenant, contacts[one]).await.merges;
                    let proved = merges.iter().find(|merge| {
                        merge.contact == contacts[one]
                            && merge.into == contacts[other]
                            && !merge.ids.is_empty()
                    });
                    model.reasons.push((proved.expect("a proof").id, one, other));
                }
            }
            7..=8 if !model.reasons.is_empty() => {
                let (merge, one, _) = model.reasons.remove(dice.roll(model.reasons.len() as u64));
                let undo = Split { scope: Scope::system(tenant), contact: contacts[one], merge, same: false };
                world.app.store.write(undo).await.expect("undone");
            }
            _ => {
                let at = dice.roll(9);
                let (place, id) = &people[at];
                tell(world, &all[*place], vec![message(&format!("{seed}.more.{step}"), id, None)]).await;
                sent[at] += 1;
                // Another tenant's contact does not exist here, from either side.
                for (contact, into) in [(contacts[at], theirs), (theirs, contacts[at])] {
                    let wrong = Merge { scope: Scope::system(tenant), contact, into };
                    let refused = world.app.store.write(wrong).await;
                    assert!(matches!(refused, Err(Error::NotFound("contact"))), "seed {seed}");
                }
            }
        }
        compare(world, tenant, &model, &contacts, &sent, seed).await;
    }
    let at = dice.roll(9);
    let found = card(world, tenant, contacts[at]).await;
    let seen = model.seen(people.len());
    let mut expected: Vec<Uuid> =
        (0..contacts.len()).filter(|one| seen[*one] == seen[at]).map(|one| contacts[one]).collect();
    expected.sort_unstable();
    assert_eq!(ids(&found), expected, "seed {seed}: who is one with {at}");
    assert_eq!(
        (found.contact.id, found.conversations.len()),
        (contacts[seen[at]], expected.len()),
        "seed {seed}"
    );
    // Without any reason everybody is alone again, with what is its own.
    while let Some((merge, one, _)) = model.reasons.pop() {
        let undo = Split { scope: Scope::system(tenant), contact: contacts[one], merge, same: false };
        world.app.store.write(undo).await.expect("undone");
    }
    compare(world, tenant, &model, &contacts, &sent, seed).await;
    sent.iter().sum()
}

async fn compare(world: &World, tenant: Uuid, model: &Model, contacts: &[Uuid], sent: &[i64], seed: u64) {
    let seen = model.seen(contacts.len());
    let expected: Vec<_> = seen.iter().zip(sent).map(|(root, sent)| (contacts[*root], *sent)).collect();
    let found = world.app.store.read(Seen(tenant, contacts.to_vec())).await.expect("contacts");
    assert_eq!(found, expected, "seed {seed}: {:?}", model.reasons);
}

on_both!(histories_of_merges_lose_nothing, |engine| async move {
    let world = World::start(engine).await;
    // Several tenants, which PostgreSQL writes side by side.
    let mut all = vec![channels(&world, world.tenant, world.bot.company).await];
    for number in 1..TENANTS {
        let name = format!("Shop {number}");
        let tenant = world.app.store.write(CreateTenant { name }).await.expect("a tenant").value.id;
        let company =
            CreateCompany { scope: Scope::system(tenant), name: "Shop".into(), kind: CompanyKind::Product };
        let company = world.app.store.write(company).await.expect("a company").value.id;
        all.push(channels(&world, tenant, company).await);
    }
    let rival =
        world.app.store.write(CreateTenant { name: "Rival".into() }).await.expect("a tenant").value.id;
    let company =
        CreateCompany { scope: Scope::system(rival), name: "Rival".into(), kind: CompanyKind::Product };
    let company = world.app.store.write(company).await.expect("a company").value.id;
    let others = channels(&world, rival, company).await;
    // The same ids as in the first history.
    let mut theirs = Vec::new();
    for (at, (place, id)) in people(0).iter().enumerate() {
        tell(&world, &others[*place], vec![message(&format!("r{at}"), id, None)]).await;
        theirs.push(contact(&world, &others[*place], id).await);
    }
    let begun = std::time::Instant::now();
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let amount = size(60, 1_000) as u64;
    let (world_of, all_of, their) = (&world, &all, theirs[0]);
    let sent: Vec<i64> = stream::iter(seed..seed + amount)
        .map(|seed| history(world_of, &all_of[usize::try_from(seed).unwrap_or(0) % TENANTS], their, seed))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let sent: i64 = sent.iter().sum();
    let mut stored = 0;
    for here in &all {
        stored += world.app.store.read(Count(here[0].tenant)).await.expect("a count");
    }
    println!("seeds {seed}..{}: {sent} messages, {:?}", seed + amount, begun.elapsed());
    assert_eq!(stored, sent);
    for one in theirs {
        let alone = card(&world, rival, one).await;
        assert_eq!((alone.members.len(), alone.merges.len()), (1, 0), "{alone:?}");
    }
    world.finish().await;
});
