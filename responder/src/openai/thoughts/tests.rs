use proptest::prelude::*;

use super::*;

/// What is left of the whole, and whether it ends within a thought.
fn heard<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, bool) {
    let (mut thoughts, mut text) = (Thoughts::default(), String::new());
    let mut take = |said: TextChange| {
        if said.forget {
            text.clear();
        }
        text.push_str(&said.text);
    };
    for piece in pieces {
        take(thoughts.push(piece));
    }
    take(thoughts.end());
    (text.trim().to_owned(), thoughts.is_inside())
}

#[test]
fn only_what_is_meant_for_the_customer_is_left() {
    for (whole, left) in [
        ("<think>\nThe margin is 60 %.\n</think>\n\nI am sorry!", "I am sorry!"),
        ("<THINK>a</Think>b", "b"),
        ("<thinking type=\"deep\" n='1'>a</thinking>b", "b"),
        ("<reasoning>a</reasoning>b<reflection>c</reflection> d", "b d"),
        ("<thought>a</thought >b", "b"),
        ("<x:think>a</x:think>b", "b"),
        ("<think>a<think>b</think>c</think>d", "d"),
        ("<think>a <b>bold</b> < 3</think>d", "d"),
        ("<think></think>d", "d"),
        ("<think/>d", "d"),
        ("[THINK]a[/THINK]b", "b"),
        ("◁think▷a◁/think▷b", "b"),
        ("<|begin_of_thought|>a<|end_of_thought|>b<|im_end|>", "b"),
        ("<|START_THINKING|>a<|END_THINKING|>b", "b"),
        ("<tool_call>{\"name\":\"price\"}</tool_call>b", "b"),
        ("<think>a</think><answer>b</answer>", "b"),
        // The beginning is in the prompt: everything before the end is a thought.
        ("The margin is 60 %.\n</think>\n\nI am sorry!", "I am sorry!"),
        ("a</think>b</think>c", "c"),
        ("a<｜end▁of▁sentence｜>", "a"),
        ("a<｜tool▁calls▁begin｜>{}<｜tool▁calls▁end｜>", "a"),
        ("a</think", ""),
        // Each message says whom it is for.
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>",
            "b",
        ),
        ("<|start|>assistant<|channel|>commentary to=f <|constrain|>json<|message|>{}<|call|>", ""),
        ("analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b", "b"),
        ("<|channel>thought\na<channel|>b", "b"),
        // Of code that shows a tag the tag's content is lost.
        ("```\n<think>x</think>\n```", "```\n\n```"),
        // What only looks like it is text.
        (
            "1 < 2 and <b>3</b> > [2] [thing] <thinker> <3 <",
            "1 < 2 and <b>3</b> > [2] [thing] <thinker> <3 <",
        ),
        ("I think> so, [handoff] ◁ x <|", "I think> so, [handoff] ◁ x <|"),
        ("price <= 5 <thin", "price <= 5 <thin"),
    ] {
        assert_eq!(heard([whole]), (left.to_owned(), false), "{whole}");
    }
}

#[test]
fn a_block_that_never_closes_is_no_answer() {
    for whole in [
        "<think>and so on",
        "b <think>and so on",
        "<think",
        "<think attribute=",
        "<think><think>a</think>b",
        "[THINK]a",
        "<|channel|>analysis<|message|>a",
        "```<think>```",
    ] {
        let (_, inside) = heard([whole]);
        assert!(inside, "{whole}");
    }
    let (_, inside) = heard([format!("<think {}", "x".repeat(500)).as_str()]);
    assert!(inside);
}

#[test]
fn words_are_given_out_as_they_come() {
    let mut thoughts = Thoughts::default();
    let mut said = |piece: &str| thoughts.push(piece).text;
    assert_eq!(said("<thi"), "");
    assert_eq!(said("nk>hm</th"), "");
    assert_eq!(said("ink>\n\nI am"), "I am");
    assert_eq!(said(" sorry < "), " sorry ");
    assert_eq!(said("a<"), "< a");
    assert_eq!(said("b> "), "<b> ");
}

proptest! {
    /// However an answer is cut into pieces, the same is left of it.
    #[test]
    fn pieces_change_nothing(
        parts in prop::collection::vec(prop_oneof![
            Just("<think>"), Just("</think>"), Just("<THINKING a='>'>"), Just("</thinking >"), Just("[THINK]"),
            Just("[/THINK]"), Just("◁think▷"), Just("◁/think▷"), Just("<|channel|>"), Just("<|message|>"),
            Just("<|start|>"), Just("<|end|>"), Just("final"), Just("analysis"), Just("<answer>"), Just("<"),
            Just("</"), Just("[ha"), Just("<think"), Just(" é\n"), Just("<|"), Just("|>"), Just("word "), Just("<tool_call/>"),
        ], 0..14),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let whole = parts.concat();
        let places: Vec<usize> = whole.char_indices().map(|(place, _)| place).chain([whole.len()]).collect();
        let mut at: Vec<usize> = cuts.iter().map(|cut| places[cut.index(places.len())]).collect();
        at.extend([0, whole.len()]);
        at.sort_unstable();
        let pieces: Vec<&str> = at.windows(2).map(|pair| &whole[pair[0]..pair[1]]).collect();
        let one_by_one: Vec<&str> = places.windows(2).map(|pair| &whole[pair[0]..pair[1]]).collect();
        prop_assert_eq!(heard(pieces), heard([whole.as_str()]));
        prop_assert_eq!(heard(one_by_one), heard([whole.as_str()]));
    }
}
