//! What a client may do whose certificate names a device: speak for that device, and hear what is
//! meant for it.

use upturn_core::{
    decode::{Sources, topic::TopicPattern},
    id::DeviceId,
};

/// The topics that belong to devices.
///
/// Each pattern of a source, and of letters, gives a device a home: the levels up to the
/// one that names it, and everything below.
#[derive(Debug, Default)]
pub(crate) struct Homes {
    sources: Sources,
    letters: Vec<TopicPattern>,
}

impl Homes {
    /// Takes the topics from the settings and from the documents of destinations; letters may go to a
    /// topic that names no device.
    pub(crate) fn new(sources: Sources, letters: &[String]) -> Self {
        let letters = letters.iter().filter_map(|topic| TopicPattern::parse(topic).ok());
        Self { sources, letters: letters.collect() }
    }

    /// Returns whether `device` may publish to `topic`: at home, and not in another's name.
    pub(super) fn may_publish(&self, device: &DeviceId, topic: &str) -> bool {
        let device = device.as_str();
        // The first source that fits is the one that will read it.
        let read = self.sources.0.iter().find_map(|source| source.topic.matches(topic));
        read.is_none_or(|captures| captures.device == Some(device)) && self.is_home(device, topic)
    }

    /// Returns whether a publish to `topic` may be retained: what a source reads is an event, which
    /// is over once it has happened.
    pub(super) fn may_be_retained(&self, topic: &str) -> bool {
        self.sources.find(topic).is_none()
    }

    /// Returns whether `device` may subscribe to `filter`: to what is at its home.
    pub(super) fn may_subscribe(&self, device: &DeviceId, filter: &str) -> bool {
        // `$share/GROUP/` only says who else hears it.
        let shared = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
        self.is_home(device.as_str(), shared.map_or(filter, |(_, filter)| filter))
    }

    fn is_home(&self, device: &str, filter: &str) -> bool {
        let sources = self.sources.0.iter().map(|source| &source.topic);
        sources.chain(&self.letters).any(|pattern| pattern.is_home_of(device, filter))
    }
}

#[cfg(test)]
mod tests {
    use upturn_core::decode::{Format, Source};

    use super::*;

    fn homes(topics: &[&str], letters: Option<&str>) -> Homes {
        let source = |topic: &&str| Source {
            name: "s".into(),
            topic: TopicPattern::parse(topic).unwrap(),
            format: Format::Native,
            accept_past: Source::ACCEPT_PAST,
            accept_future: Source::ACCEPT_FUTURE,
        };
        let letters: Vec<_> = letters.map(str::to_owned).into_iter().collect();
        Homes::new(Sources(topics.iter().map(source).collect()), &letters)
    }

    #[test]
    fn a_device_publishes_at_home_and_in_its_own_name() {
        let usual: &[&str] = &["devices/{device}/events", "ocpp/1.6/{device}/{action}"];
        let crossed: &[&str] = &["a/{_}/{device}", "a/{device}/x"];
        let cases = [
            (usual, "devices/dev1/events", true),
            (usual, "ocpp/1.6/dev1/Heartbeat", true),
            (usual, "devices/dev1/other", true),
            (usual, "devices/dev2/events", false),
            (usual, "ocpp/1.6/dev2/dev1", false),
            (usual, "devices/dev10/events", false),
            (usual, "dev1", false),
            (usual, "elsewhere/dev1/events", false),
            (usual, "$SYS/dev1", false),
            // At home by the second source, but the first reads it as another device's.
            (crossed, "a/dev1/dev2", false),
            (crossed, "a/dev2/dev1", true),
        ];
        for (topics, topic, expected) in cases {
            let device = DeviceId::new("dev1").unwrap();
            let found = homes(topics, None).may_publish(&device, topic);
            assert_eq!(found, expected, "case: {topic}");
        }
    }

    #[test]
    fn a_device_hears_what_is_meant_for_it() {
        let homes =
            homes(&["devices/{device}/events", "site/{_}/{device}/up"], Some("to/{device}"));
        let cases = [
            ("devices/dev1/tasks", true),
            ("devices/dev1/#", true),
            ("$share/group/devices/dev1/+", true),
            ("site/+/dev1/#", true),
            ("to/dev1", true),
            ("devices/+/tasks", false),
            ("devices/#", false),
            ("#", false),
            ("$share/dev1/devices/dev2/tasks", false),
            ("$share/dev1/#", false),
            ("$SYS/#", false),
            ("devices/dev2/dev1", false),
        ];
        for (filter, expected) in cases {
            let device = DeviceId::new("dev1").unwrap();
            assert_eq!(homes.may_subscribe(&device, filter), expected, "case: {filter}");
        }
    }
}
