//! The names of topics' channels in Redis, and back.

use std::borrow::Cow;

pub(super) struct Names {
    prefix: String,
    /// In a cluster the last part of a topic's name is its hash tag: all topics of one tenant are in one slot.
    is_tagged: bool,
}

impl Names {
    pub(super) fn new(prefix: String, is_tagged: bool) -> Names {
        Names { prefix, is_tagged }
    }

    pub(super) fn channel(&self, topic: &str) -> String {
        let prefix = &self.prefix;
        match topic.rsplit_once(':') {
            _ if !self.is_tagged => format!("{prefix}:{topic}"),
            Some((head, tag)) => format!("{prefix}:{head}:{{{tag}}}"),
            None => format!("{prefix}:{{{topic}}}"),
        }
    }

    /// `None`: the channel is of no topic.
    pub(super) fn topic<'a>(&self, channel: &'a str) -> Option<Cow<'a, str>> {
        let name = channel.strip_prefix(self.prefix.as_str())?.strip_prefix(':')?;
        if !self.is_tagged {
            return Some(name.into());
        }
        let name = name.strip_suffix('}')?;
        match name.rsplit_once(':') {
            Some((head, tag)) => Some(format!("{head}:{}", tag.strip_prefix('{')?).into()),
            None => name.strip_prefix('{').map(Cow::Borrowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_leads_back_to_its_topic() {
        for is_tagged in [false, true] {
            let names = Names::new("hub:1".into(), is_tagged);
            for topic in ["nodes", "tenant:7", "node:a:3", "room", "x:", "{odd}:{name}", ""] {
                assert_eq!(names.topic(&names.channel(topic)).as_deref(), Some(topic), "{is_tagged}");
            }
            assert_eq!(names.topic("other:tenant:{7}"), None);
        }
        let names = Names::new("hub".into(), true);
        assert_eq!(names.channel("turns:7"), "hub:turns:{7}");
        assert_eq!(names.channel("tenant:7"), "hub:tenant:{7}");
        assert_eq!(names.topic("hub:tenant:7"), None);
    }
}
