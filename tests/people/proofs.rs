//! What providers prove, what a person takes back, and what contradicts something known.

use adapters::event::Renamed;
use hubbub::model::{MergeKind, MergeState};

use super::*;

on_both!(a_hidden_id_and_its_number_become_one_and_a_split_holds, |engine| async move {
    let world = World::start(engine).await;
    let all = channels(&world, world.tenant, world.bot.company).await;
    for (place, hidden, number) in
        [(0, "187654321098765@lid", "15550100123@c.us"), (1, "US.13491208655302741918", "15550100123")]
    {
        let channel = &all[place];
        tell(&world, channel, vec![message("1", hidden, None), message("2", number, None)]).await;
        let (one, other) = (contact(&world, channel, hidden).await, contact(&world, channel, number).await);
        assert_ne!(one, other);
        tell(&world, channel, vec![message("3", hidden, Some(number))]).await;
        let seen = card(&world, world.tenant, one).await;
        assert_eq!(seen.members.len(), 2, "{seen:?}");
        let proof = &seen.merges[0];
        assert_eq!((proof.kind, proof.state), (MergeKind::HiddenId, MergeState::Active));
        assert_eq!(proof.ids, [hidden, number]);
        assert!(proof.message.is_some() && proof.author.is_none(), "by which message: {proof:?}");
        let undo = Split { scope: world.scope(), contact: one, merge: proof.id, same: false };
        world.app.store.write(undo).await.expect("undone");
        tell(&world, channel, vec![message("4", hidden, Some(number))]).await;
        let seen = card(&world, world.tenant, one).await;
        assert_eq!((seen.members.len(), seen.merges.len()), (1, 1), "what a person took back stays so");
    }
    world.finish().await;
});

on_both!(a_number_that_another_person_has_now_asks_a_person, |engine| async move {
    let world = World::start(engine).await;
    let all = channels(&world, world.tenant, world.bot.company).await;
    let (first, second, number) = ("111111111111111@lid", "222222222222222@lid", "15550100124@c.us");
    let channel = &all[0];
    tell(&world, channel, vec![message("1", first, Some(number))]).await;
    let known = contact(&world, channel, first).await;
    assert_eq!(contact(&world, channel, number).await, known);
    // Another hidden id writes, and says the number is its own.
    tell(&world, channel, vec![message("2", second, Some(number))]).await;
    let new = contact(&world, channel, second).await;
    assert_ne!(new, known, "never merged silently");
    let seen = card(&world, world.tenant, new).await;
    assert_eq!((seen.members.len(), seen.merges[0].state), (1, MergeState::Asked));
    assert_eq!(seen.asked.iter().map(|one| one.id).collect::<Vec<_>>(), [known]);
    // It writes again: asked once.
    tell(&world, channel, vec![message("3", second, Some(number))]).await;
    assert_eq!(card(&world, world.tenant, new).await.merges.len(), 1);
    let decide = |same| Split { scope: world.scope(), contact: new, merge: seen.merges[0].id, same };
    let merged = world.app.store.write(decide(true)).await.expect("decided").value;
    assert_eq!((merged.members.len(), merged.merges[0].state), (2, MergeState::Active));
    let split = world.app.store.write(decide(false)).await.expect("decided").value;
    assert_eq!((split.members.len(), split.merges[0].state), (1, MergeState::Undone));
    // The same told under the number.
    let third = "333333333333333@lid";
    tell(&world, channel, vec![message("4", number, Some(third))]).await;
    assert_ne!(contact(&world, channel, third).await, known);
    let asked = card(&world, world.tenant, known).await;
    assert!(asked.merges.iter().any(|one| one.state == MergeState::Asked), "{asked:?}");
    world.finish().await;
});

on_both!(a_group_that_moved_is_one_with_what_wrote_before_it_was_told, |engine| async move {
    let world = World::start(engine).await;
    let all = channels(&world, world.tenant, world.bot.company).await;
    let (old, new) = ("-4005550", "-1005550");
    tell(&world, &all[2], vec![message("1", old, None), message("2", new, None)]).await;
    let moved = || Event::Renamed(Renamed { from: old.into(), to: new.into() });
    tell(&world, &all[2], vec![moved(), moved()]).await;
    let seen = card(&world, world.tenant, contact(&world, &all[2], old).await).await;
    assert_eq!((seen.members.len(), seen.merges.len(), seen.merges[0].kind), (2, 1, MergeKind::ChatMoved));
    assert_eq!(seen.contact.id, contact(&world, &all[2], new).await, "as the new chat");
    world.finish().await;
});
