//! What a client may do whose certificate names a device: speak for that device, and hear what is
//! meant for it.

use tokio::sync::watch;
use upturn_core::{
    decode::{Sources, topic::TopicPattern},
    id::DeviceId,
};

/// The topics that belong to devices.
///
/// Each pattern of a source, and of letters, gives a device a home: the levels up to the
/// one that names it, and everything below.
#[derive(Debug)]
pub(crate) struct Homes {
    sources: Sources,
    letters: watch::Receiver<Vec<TopicPattern>>,
}

impl Homes {
    /// Takes the topics from the settings, and from the documents of destinations those of the moment.
    pub(crate) fn new(sources: Sources, letters: watch::Receiver<Vec<TopicPattern>>) -> Self {
        Self { sources, letters }
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
        let is_home = |pattern: &TopicPattern| pattern.is_home_of(device, filter);
        sources.into_iter().any(is_home) || self.letters.borrow().iter().any(is_home)
    }
}

impl Default for Homes {
    /// Nobody is at home anywhere.
    fn default() -> Self {
        Self::new(Sources::default(), watch::channel(Vec::new()).1)
    }
}

/// Returns the patterns of topics that letters go to; one that names no device is nobody's home.
pub(crate) fn patterns(topics: &[String]) -> Vec<TopicPattern> {
    topics.iter().filter_map(|topic| TopicPattern::parse(topic).ok()).collect()
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
        let letters = watch::channel(patterns(&letters)).1;
        Homes::new(Sources(topics.iter().map(source).collect()), letters)
    }

    #[test]
    fn a_home_of_letters_is_that_of_the_documents_in_force() {
        let device = DeviceId::try_from("evse-1".to_owned()).unwrap();
        let (in_force, letters) = watch::channel(patterns(&["to/{device}".to_owned()]));
        let homes = Homes::new(Sources::default(), letters);
        let hears = |filter: &str| homes.may_subscribe(&device, filter);
        assert!(hears("to/evse-1") && !hears("for/evse-1/#") && !hears("to/evse-2"));
        let topics = ["for/{device}/tasks", "nobody/in/particular"].map(str::to_owned);
        in_force.send_replace(patterns(&topics));
        assert!(!hears("to/evse-1") && hears("for/evse-1/#") && !hears("for/evse-2/#"));
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
