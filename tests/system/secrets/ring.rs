//! Secrets that stand nowhere else, and where they were found all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

/// The secrets of a test.
#[derive(Debug)]
pub(super) struct Ring {
    folder: TempDir,
    /// The texts, by what they are for.
    texts: BTreeMap<String, String>,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), texts: BTreeMap::new() }
    }

    /// Makes a secret for `name`, of 32 letters and digits.
    pub(super) fn cut(&mut self, name: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let text = format!("CaNaRyNuMbEr{:020}", 71_000_000 + number);
        self.add(name, &text);
        text
    }

    /// Looks for `text` as well.
    pub(super) fn add(&mut self, name: &str, text: &str) {
        assert!(8 <= text.len(), "{name}: too short to be looked for");
        self.texts.insert(name.to_owned(), text.to_owned());
    }

    /// Makes a secret for `name` in a file of its own; returns the path.
    pub(super) fn secret_file(&mut self, name: &str) -> String {
        let text = self.cut(name);
        self.keep(name, &text)
    }

    fn keep(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, format!("{text}\n")).unwrap();
        path.display().to_string()
    }

    /// Returns `settings` of the destination `id` with the path of a secret's file for each pair of
    /// angle brackets; what stands in them is put before the secret.
    pub(super) fn fill(&mut self, id: &str, settings: &str, port: u16) -> String {
        let mut filled = String::new();
        for (number, part) in settings.split('<').enumerate() {
            let Some((before, rest)) = part.split_once('>') else {
                filled.push_str(part);
                continue;
            };
            let name = format!("{id}-{number}");
            let text = self.cut(&name);
            let text = match before {
                "address" => format!("http://127.0.0.1:{port}/hook/{text}?key={text}"),
                before => format!("{before}{text}"),
            };
            let path = self.keep(&name, &text);
            filled.extend(["'", &path, "'", rest]);
        }
        filled
    }

    /// Returns where which secret stands, as it is or as it goes over the wire.
    pub(super) fn find_in(&self, said: &BTreeMap<String, String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (name, text) in &self.texts {
            let coded = [
                STANDARD.encode(text),
                STANDARD.encode(format!("upturn:{text}")),
                STANDARD.encode(format!("\0upturn\0{text}")),
            ];
            for needle in coded.iter().chain([text]) {
                let places = said.iter().filter(|(_, said)| said.contains(needle.as_str()));
                found.extend(places.map(|(place, said)| {
                    let before = said.split(needle.as_str()).next().unwrap();
                    let start = before.char_indices().rev().nth(120).map_or(0, |(at, _)| at);
                    format!("{name} in {place}: …{}", before.get(start..).unwrap())
                }));
            }
        }
        found
    }
}
