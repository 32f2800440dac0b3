//! The order of a room: publications in any order leave once, by rising offset, without gaps.

use proptest::prelude::*;

use super::*;
use crate::log::Publication;
use crate::room::memory_budget::MemoryBudget;

fn event(offset: u64) -> RoomEvent {
    let data = offset.to_string().into();
    RoomEvent::publication("room", Publication { offset, data, ..Publication::default() })
}

fn events(offsets: impl IntoIterator<Item = u64>) -> Vec<RoomEvent> {
    offsets.into_iter().map(event).collect()
}

fn ring() -> Ring {
    Ring::new(1 << 20, MemoryBudget::new(usize::MAX))
}

fn open(top: u64, max_held: usize) -> Order {
    let mut order = Order::new(ring(), max_held);
    order.open("e".into(), top);
    order
}

fn out(order: &mut Order) -> Vec<u64> {
    order.next_batch().map(|b| b.events.iter().map(|e| e.offset).collect()).unwrap_or_default()
}

proptest! {
    #[test]
    fn any_shuffle_with_duplicates_comes_out_once_in_order(
        arrivals in Just((1u64..=40).chain(1..=40).collect::<Vec<_>>()).prop_shuffle(),
        start in 0u64..20,
    ) {
        let mut order = open(start, 1000);
        let mut got = Vec::new();
        for offset in arrivals {
            order.accept(event(offset));
            got.extend(out(&mut order));
        }
        prop_assert_eq!(got, (start + 1..=40).collect::<Vec<_>>());
        prop_assert!(order.held.is_empty() && order.held_bytes == 0);
    }

    #[test]
    fn what_is_dropped_comes_from_the_log(
        arrivals in Just((1u64..=40).collect::<Vec<_>>()).prop_shuffle(),
        kept in 0usize..40,
        max_held in 1usize..10,
        page_size in 1u64..7,
    ) {
        let mut order = open(0, max_held);
        let mut got = Vec::new();
        for offset in &arrivals[..kept] {
            order.accept(event(*offset));
            got.extend(out(&mut order));
        }
        loop {
            let from = order.top + 1;
            let page = events(from..=(from + page_size - 1).min(40));
            let (state, _) = order.absorb("e", from - 1, 40, page);
            got.extend(out(&mut order));
            match state {
                Absorbed::More => {}
                state => {
                    prop_assert_eq!(state, Absorbed::Complete);
                    break;
                }
            }
        }
        prop_assert_eq!(got, (1..=40).collect::<Vec<_>>());
    }
}

#[test]
fn publications_during_opening_are_neither_lost_nor_doubled() {
    let mut order = Order::new(ring(), 10);
    assert!(order.begin_opening());
    for offset in [7, 5, 6] {
        assert!(matches!(order.accept(event(offset)), Accepted::Held { .. }));
    }
    order.open("e".into(), 5);
    // The 5 goes to members without a stream.
    assert_eq!(out(&mut order), [5, 6, 7]);
    assert_eq!(order.held_bytes, 0);
}

#[test]
fn nothing_is_held_for_an_opening_that_failed() {
    let mut order = Order::new(ring(), 10);
    assert!(order.begin_opening() && order.begin_opening());
    order.accept(event(7));
    order.end_opening();
    assert!(order.next_batch().is_none(), "somebody else is at it");
    order.end_opening();
    assert_eq!(out(&mut order), [7]);
    assert_eq!((order.accept(event(9)), order.held_bytes), (Accepted::Ready, 0));
}

#[test]
fn large_publications_are_handed_out_a_few_at_a_time() {
    let mut order = open(0, 10);
    for offset in 1..=8 {
        let data = format!("\"{}\"", "x".repeat(50_000)).into();
        order.accept(RoomEvent::publication("room", Publication { offset, data, ..Publication::default() }));
    }
    let heavy = order.next_batch().unwrap();
    assert_eq!((heavy.events.len(), heavy.is_heavy), (3, true));
    assert_eq!(out(&mut order), [4, 5, 6]);
    let rest = order.next_batch().unwrap();
    assert_eq!((rest.events.len(), rest.is_heavy), (2, false));
}

#[test]
fn a_log_without_the_missing_events_is_behind_or_lost() {
    let mut order = open(5, 10);
    order.accept(event(8));
    assert_eq!(order.absorb("e", 5, 6, events([6])), (Absorbed::More, 1));
    assert_eq!(order.absorb("e", 6, 6, events([])), (Absorbed::Behind, 0));
    assert_eq!(order.absorb("e", 6, 8, events([8])), (Absorbed::Lost, 0));
    assert_eq!(order.absorb("f", 6, 9, events([])), (Absorbed::Lost, 0));
    order.restart("f".into(), 8);
    assert!(!order.has_gap());
    assert_eq!(order.accept(event(9)), Accepted::Ready);
}

#[test]
fn an_old_offset_with_other_data_raises_a_doubt() {
    let mut order = open(5, 10);
    order.accept(event(6));
    assert_eq!(order.accept(event(6)), Accepted::Old);
    assert_eq!(order.accept(event(5)), Accepted::Doubtful, "nobody knows what it said");
    let other = Publication { offset: 6, data: "\"other\"".into(), ..Publication::default() };
    assert_eq!(order.accept(RoomEvent::publication("room", other)), Accepted::Doubtful);
}

#[test]
fn a_page_that_the_room_has_overtaken_is_not_a_lost_stream() {
    let mut order = open(5, 10);
    order.accept(event(9));
    // The log is read after 5; while it returns a short page, 6 and 7 arrive live.
    order.accept(event(6));
    order.accept(event(7));
    assert_eq!(order.absorb("e", 5, 9, events([6, 7])), (Absorbed::More, 0));
    assert_eq!(order.absorb("e", 7, 9, events([8, 9])), (Absorbed::Complete, 1));
    assert_eq!(out(&mut order), [6, 7, 8, 9]);
}

#[test]
fn a_full_hold_says_so() {
    let mut order = open(0, 2);
    assert_eq!(order.accept(event(9)), Accepted::Held { full: false });
    assert_eq!(order.accept(event(8)), Accepted::Held { full: true });
    assert_eq!(order.accept(event(7)), Accepted::Held { full: true });
    assert_eq!(order.held.keys().copied().collect::<Vec<_>>(), [7, 8], "the nearest stay");
}

/// With a slow fan-out the pending events are bounded; all are delivered once and in order, the rest from the log.
#[test]
fn what_waits_to_be_handed_out_is_bounded_and_nothing_is_lost() {
    let mut order = open(0, 1_000);
    let all = 3 * MAX_PENDING as u64;
    for offset in 1..=all {
        order.accept(event(offset));
        assert!(order.waiting() <= MAX_PENDING);
    }
    assert!(order.has_gap());
    let mut out = Vec::new();
    let mut rounds = 0;
    while out.len() < all as usize {
        rounds += 1;
        assert!(rounds < 1_000, "it does not come to an end: {} of {all}", out.len());
        while let Some(batch) = order.next_batch() {
            out.extend(batch.events.iter().map(|event| event.offset));
        }
        if order.has_gap() {
            let after = order.top;
            let page = (after + 1..=all.min(after + 500)).map(event).collect();
            let (state, _) = order.absorb("e", after, all, page);
            assert!(matches!(state, Absorbed::Complete | Absorbed::More), "{state:?}");
            assert!(order.waiting() <= MAX_PENDING + 500);
        }
    }
    assert_eq!(out, (1..=all).collect::<Vec<_>>());
}
