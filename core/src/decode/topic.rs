//! Topic patterns: `devices/{device}/events` says where a topic names the device.

/// A checked topic pattern: levels that are texts or placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPattern {
    text: Box<str>,
    levels: Vec<Level>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Text(Box<str>),
    Device,
    Channel,
    Action,
    /// A level that is not read, `{_}`.
    Any,
}

/// What a topic said by its place in a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Captures<'t> {
    /// The level at `{device}`.
    pub device: Option<&'t str>,
    /// The level at `{channel}`.
    pub channel: Option<&'t str>,
    /// The level at `{action}`.
    pub action: Option<&'t str>,
}

/// Why a text is no topic pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicPatternError {
    /// A placeholder that means nothing.
    #[error(
        "topic level '{0}' is no placeholder; use {{device}}, {{channel}}, {{action}} or {{_}}"
    )]
    Placeholder(Box<str>),
    /// A character that MQTT gives a meaning.
    #[error("topic level '{0}' contains '+', '#', '{{' or '}}'; name a level that varies {{_}}")]
    Wildcard(Box<str>),
    /// A placeholder that stands twice.
    #[error("topic names {0} twice; each placeholder may stand once")]
    Twice(Box<str>),
    /// Without a device an event belongs to nobody.
    #[error("topic names no {{device}}; put it where the topic says which device sent")]
    NoDevice,
}

impl TopicPattern {
    /// Returns the pattern `text` describes.
    pub fn parse(text: &str) -> Result<Self, TopicPatternError> {
        let levels = text.split('/').map(parse_level).collect::<Result<Vec<_>, _>>()?;
        for (at, level) in levels.iter().enumerate() {
            let named = matches!(level, Level::Device | Level::Channel | Level::Action);
            if named && levels.iter().skip(at + 1).any(|other| other == level) {
                let twice = text.split('/').nth(at).unwrap_or_default();
                return Err(TopicPatternError::Twice(twice.into()));
            }
        }
        if !levels.contains(&Level::Device) {
            return Err(TopicPatternError::NoDevice);
        }
        Ok(Self { text: text.into(), levels })
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the MQTT topic filter that takes in what the pattern matches.
    pub fn filter(&self) -> String {
        let levels = self.levels.iter().map(|level| match level {
            Level::Text(text) => text,
            Level::Device | Level::Channel | Level::Action | Level::Any => "+",
        });
        levels.collect::<Vec<_>>().join("/")
    }

    /// Returns whether all that `filter`, or a topic, takes in lies where the pattern places `device`:
    /// its levels fit up to `{device}`, and there it names the device and no other.
    pub fn is_home_of(&self, device: &str, filter: &str) -> bool {
        let mut parts = filter.split('/');
        for level in &self.levels {
            let Some(part) = parts.next() else { return false };
            match level {
                Level::Device => return part == device,
                Level::Text(text) if **text != *part => return false,
                Level::Text(_) | Level::Channel | Level::Action | Level::Any => {}
            }
        }
        false
    }

    /// Returns what `topic` says, or `None` where it does not fit.
    pub fn matches<'t>(&self, topic: &'t str) -> Option<Captures<'t>> {
        let mut captures = Captures::default();
        let mut parts = topic.split('/');
        for level in &self.levels {
            let part = parts.next()?;
            match level {
                Level::Text(text) => {
                    if **text != *part {
                        return None;
                    }
                }
                Level::Device => captures.device = Some(part),
                Level::Channel => captures.channel = Some(part),
                Level::Action => captures.action = Some(part),
                Level::Any => {}
            }
        }
        parts.next().is_none().then_some(captures)
    }
}

fn parse_level(level: &str) -> Result<Level, TopicPatternError> {
    match level {
        "{device}" => Ok(Level::Device),
        "{channel}" => Ok(Level::Channel),
        "{action}" => Ok(Level::Action),
        "{_}" => Ok(Level::Any),
        text if text.starts_with('{') && text.ends_with('}') => {
            Err(TopicPatternError::Placeholder(text.into()))
        }
        text if text.contains(['+', '#', '{', '}']) => {
            Err(TopicPatternError::Wildcard(text.into()))
        }
        text => Ok(Level::Text(text.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_device_where_the_pattern_names_it() {
        let cases = [
            ("devices/{device}/events", "devices/cp-1/events", Some(("cp-1", None, None))),
            ("devices/{device}/events", "devices/cp-1/events/x", None),
            ("devices/{device}/events", "devices/cp-1", None),
            ("devices/{device}/events", "device/cp-1/events", None),
            ("ocpp/1.6/{device}/{action}", "ocpp/1.6/e-1/Boot", Some(("e-1", None, Some("Boot")))),
            ("{_}/{device}/{channel}", "north/e-1/2", Some(("e-1", Some("2"), None))),
        ];
        for (pattern, topic, expected) in cases {
            let found = TopicPattern::parse(pattern).unwrap();
            let found = found.matches(topic);
            let found = found.map(|c| (c.device.unwrap(), c.channel, c.action));
            assert_eq!(found, expected, "case: {topic} against {pattern}");
        }
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        let cases = [
            (
                "a/{devise}",
                "topic level '{devise}' is no placeholder; use {device}, {channel}, {action} or {_}",
            ),
            (
                "a/+/{device}",
                "topic level '+' contains '+', '#', '{' or '}'; name a level that varies {_}",
            ),
            ("{device}/{device}", "topic names {device} twice; each placeholder may stand once"),
            ("a/b", "topic names no {device}; put it where the topic says which device sent"),
        ];
        for (pattern, expected) in cases {
            let error = TopicPattern::parse(pattern).unwrap_err().to_string();
            assert_eq!(error, expected, "case: {pattern}");
        }
    }
}
