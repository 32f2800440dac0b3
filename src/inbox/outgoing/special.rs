//! What a message may have beside a text and files: reply buttons, a template, a person's answer after the window. Checks it
//! against what the channel's provider takes. Pure.

use adapters::{Abilities, ButtonLimits, Provider, Unit};
use serde_json::{Value, json};

use crate::error::Error;
use crate::model::limits::{MAX_BUTTON, MAX_BUTTONS, MAX_TEMPLATE_BYTES};
use crate::model::{MessageBody, OutButton, OutTemplate};

/// Checks what holds for every provider. The error names the field and the remedy.
pub(super) fn check_form(body: &MessageBody) -> Result<(), Error> {
    let text = body.text.as_deref().map(str::trim).unwrap_or_default();
    if let Some(template) = &body.template {
        if !text.is_empty() || !body.attachments.is_empty() || !body.buttons.is_empty() {
            let problem = "a template is the whole message: send text, files and buttons in another one";
            return Err(Error::invalid("template", problem));
        }
        check_template(template)?;
    }
    if body.buttons.is_empty() {
        return Ok(());
    }
    if text.is_empty() {
        return Err(Error::invalid("buttons", "buttons stand under a text: write one"));
    }
    if body.buttons.len() > MAX_BUTTONS {
        return Err(Error::invalid("buttons", format!("at most {MAX_BUTTONS} buttons")));
    }
    for (index, button) in body.buttons.iter().enumerate() {
        if button.id.trim().is_empty() || button.id.len() > MAX_BUTTON {
            return Err(Error::invalid("buttons.id", format!("give an id of 1 to {MAX_BUTTON} bytes")));
        }
        if button.title.trim().is_empty() || button.title.chars().count() > MAX_BUTTON {
            return Err(Error::invalid(
                "buttons.title",
                format!("give a title of 1 to {MAX_BUTTON} characters"),
            ));
        }
        let same = |other: &OutButton| other.id == button.id || other.title.trim() == button.title.trim();
        if body.buttons[..index].iter().any(same) {
            return Err(Error::invalid("buttons", "give each button an id and a title of its own"));
        }
    }
    Ok(())
}

fn check_template(template: &OutTemplate) -> Result<(), Error> {
    for (field, value) in [("template.name", &template.name), ("template.language", &template.language)] {
        if value.trim().is_empty() || value.chars().count() > MAX_BUTTON {
            return Err(Error::invalid(field, format!("give 1 to {MAX_BUTTON} characters")));
        }
    }
    let bytes: usize = template.components.iter().map(|component| component.to_string().len()).sum();
    if bytes > MAX_TEMPLATE_BYTES || !template.components.iter().all(Value::is_object) {
        let problem =
            format!("give objects as the provider documents them, at most {MAX_TEMPLATE_BYTES} bytes");
        return Err(Error::invalid("template.components", problem));
    }
    Ok(())
}

/// What a provider takes beside texts and files.
#[derive(Clone, Copy)]
pub(super) struct Takes {
    name: &'static str,
    can: Abilities,
    buttons: ButtonLimits,
    unit: Unit,
    human_agent: bool,
}

impl Takes {
    pub(super) fn of(provider: &dyn Provider) -> Self {
        Self {
            name: provider.name(),
            can: provider.abilities(),
            buttons: provider.button_limits(),
            unit: provider.limits().unit,
            human_agent: provider.has_human_agent(),
        }
    }
}

/// Checks what the provider takes: refused here, a message is never half sent.
pub(super) fn check_provider(body: &MessageBody, takes: &Takes) -> Result<(), Error> {
    let Takes { name, can, buttons: most, unit, human_agent } = *takes;
    if body.template.is_some() && !can.templates {
        return Err(Error::invalid("template", format!("{name} has no templates: write the text instead")));
    }
    if body.human_agent && !human_agent {
        let problem = format!("{name} knows no answers of people after its window: leave it out");
        return Err(Error::invalid("human_agent", problem));
    }
    if body.buttons.is_empty() {
        return Ok(());
    }
    if !can.buttons {
        let problem = format!("{name} has no buttons: write the choices into the text");
        return Err(Error::invalid("buttons", problem));
    }
    if body.buttons.len() > most.most {
        return Err(Error::invalid("buttons", format!("{name} takes at most {} buttons", most.most)));
    }
    let text = body.text.as_deref().map(str::trim).unwrap_or_default();
    if adapters::measure(text, unit) > most.max_text {
        let problem = format!("{name} takes a text of at most {} with buttons: shorten it", most.max_text);
        return Err(Error::invalid("text", problem));
    }
    for button in &body.buttons {
        if button.title.trim().chars().count() > most.max_title {
            let problem = format!("{name} takes titles of at most {} characters: shorten it", most.max_title);
            return Err(Error::invalid("buttons.title", problem));
        }
        if button.id.len() > most.max_id_bytes {
            let problem = format!("{name} takes ids of at most {} bytes: shorten it", most.max_id_bytes);
            return Err(Error::invalid("buttons.id", problem));
        }
    }
    Ok(())
}

pub(super) fn button(button: &OutButton) -> adapters::Button {
    adapters::Button { id: button.id.clone(), title: button.title.trim().to_owned() }
}

pub(super) fn template(template: &OutTemplate) -> adapters::Template {
    let OutTemplate { name, language, components } = template.clone();
    adapters::Template { name, language, components }
}

/// What people see of it: the message's data.
pub(super) fn shown(body: &MessageBody) -> Option<Value> {
    if let Some(template) = &body.template {
        return Some(json!({ "template": { "name": template.name, "language": template.language } }));
    }
    let titles: Vec<_> = body.buttons.iter().map(|button| json!({ "title": button.title.trim() })).collect();
    (!titles.is_empty()).then(|| json!({ "buttons": titles }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(can: Abilities) -> Takes {
        let buttons = ButtonLimits::default();
        Takes { name: "example", can, buttons, unit: Unit::Chars, human_agent: false }
    }

    fn buttons(titles: &[&str]) -> MessageBody {
        let button = |title: &&str| OutButton { id: format!("id {title}"), title: (*title).to_owned() };
        MessageBody {
            text: Some("Which size?".into()),
            buttons: titles.iter().map(button).collect(),
            ..MessageBody::default()
        }
    }

    fn template() -> MessageBody {
        let (name, language) = ("order_ready".to_owned(), "en".to_owned());
        let components = vec![json!({ "type": "body" })];
        MessageBody { template: Some(OutTemplate { name, language, components }), ..MessageBody::default() }
    }

    fn field(checked: Result<(), Error>) -> String {
        match checked {
            Err(Error::Invalid { field, problem }) => {
                assert!(!problem.is_empty());
                field.into_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_provider_has_not_is_refused_by_field() {
        let nothing = takes(Abilities::default());
        assert_eq!(field(check_provider(&buttons(&["M"]), &nothing)), "buttons");
        assert_eq!(field(check_provider(&template(), &nothing)), "template");
        let as_person = MessageBody { human_agent: true, ..buttons(&[]) };
        assert_eq!(field(check_provider(&as_person, &nothing)), "human_agent");
        assert!(check_provider(&as_person, &Takes { human_agent: true, ..nothing }).is_ok());
    }

    #[test]
    fn what_is_over_a_providers_limits_is_refused_by_field() {
        let all = takes(Abilities { buttons: true, templates: true, ..Abilities::default() });
        assert!(check_provider(&template(), &all).is_ok());
        assert!(check_provider(&buttons(&["S", "M", "L"]), &all).is_ok());
        assert_eq!(field(check_provider(&buttons(&["S", "M", "L", "XL"]), &all)), "buttons");
        assert_eq!(field(check_provider(&buttons(&["a title of 21 letters"]), &all)), "buttons.title");
        let mut long = buttons(&["M"]);
        long.buttons[0].id = "x".repeat(65);
        assert_eq!(field(check_provider(&long, &all)), "buttons.id");
        let long = MessageBody { text: Some("x".repeat(1_001)), ..buttons(&["M"]) };
        assert_eq!(field(check_provider(&long, &all)), "text");
    }

    #[test]
    fn what_makes_no_message_is_refused_by_field() {
        assert!(check_form(&buttons(&["S", "M"])).is_ok() && check_form(&template()).is_ok());
        assert_eq!(field(check_form(&buttons(&["S", " S "]))), "buttons");
        assert_eq!(field(check_form(&buttons(&[" "]))), "buttons.title");
        assert_eq!(field(check_form(&MessageBody { text: None, ..buttons(&["S"]) })), "buttons");
        assert_eq!(field(check_form(&MessageBody { text: Some("x".into()), ..template() })), "template");
        let mut other = template();
        other.template.as_mut().expect("a template").components = vec![json!("x".repeat(10_000))];
        assert_eq!(field(check_form(&other)), "template.components");
    }
}
