//! The words of the pages, by language: Fluent catalogues built into the binary.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::language::Language;

const EN: &str = include_str!("../../locales/en.ftl");
const ZH_CN: &str = include_str!("../../locales/zh-CN.ftl");

/// Marks a literal as a key, so that a test can check that the catalogues have it.
macro_rules! key {
    ($key:literal) => {
        $key
    };
}
pub(crate) use key;

static BUNDLE_EN: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle(Language::En, EN));
static BUNDLE_ZH_CN: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle(Language::ZhCn, ZH_CN));

/// Returns the text for `key`; the key itself if the catalogue lacks it, which a test rules out.
pub(crate) fn text(language: Language, key: &str) -> String {
    format(language, key, None)
}

/// Returns the text for `key` with the values of its variables.
pub(crate) fn text_with<const N: usize>(
    language: Language,
    key: &str,
    values: [(&'static str, FluentValue<'_>); N],
) -> String {
    let values: FluentArgs<'_> = values.into_iter().collect();
    format(language, key, Some(&values))
}

/// Returns the text for `key`, or `None` if the catalogue lacks it: for words, such as a step's
/// name, that a rule may make up.
pub(crate) fn find_text(language: Language, key: &str) -> Option<String> {
    of(language).has_message(key).then(|| text(language, key))
}

fn format(language: Language, key: &str, values: Option<&FluentArgs<'_>>) -> String {
    let bundle = of(language);
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, values, &mut errors);
    if !errors.is_empty() {
        tracing::warn!(key, language = language.tag(), ?errors, "a text lacks a value");
    }
    Cow::into_owned(text)
}

fn of(language: Language) -> &'static FluentBundle<FluentResource> {
    match language {
        Language::En => &BUNDLE_EN,
        Language::ZhCn => &BUNDLE_ZH_CN,
    }
}

fn bundle(language: Language, catalogue: &str) -> FluentBundle<FluentResource> {
    // Of a catalogue with mistakes, which a test rules out, the rest is used.
    let resource = FluentResource::try_new(catalogue.to_owned()).unwrap_or_else(|(rest, _)| rest);
    let language: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Isolation marks are invisible characters in every link and title; the templates isolate
    // foreign text with <bdi> instead.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// The keys of a catalogue with the variables each uses.
    fn keys(catalogue: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in catalogue.lines() {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                let (key, _) = line.split_once('=').unwrap_or_else(|| panic!("odd line: {line}"));
                key.trim().clone_into(&mut current);
                assert!(!keys.contains_key(&current), "{current} is there twice");
                keys.insert(current.clone(), BTreeSet::new());
            }
            for variable in line.split('$').skip(1) {
                let name = variable.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
                keys.get_mut(&current).unwrap().insert(name.unwrap().to_owned());
            }
        }
        keys
    }

    #[test]
    fn both_catalogues_parse_and_have_the_same_keys_with_the_same_variables() {
        for catalogue in [EN, ZH_CN] {
            let read = FluentResource::try_new(catalogue.to_owned());
            assert!(read.is_ok(), "mistakes: {:?}", read.err().map(|(_, mistakes)| mistakes));
        }
        assert_eq!(keys(EN), keys(ZH_CN));
        assert!(30 < keys(EN).len());
    }

    #[test]
    fn every_key_that_a_page_uses_is_in_the_catalogue_and_none_is_left_over() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = String::new();
        for folder in ["templates", "src/web"] {
            collect(&package.join(folder), &mut sources);
        }
        let known = keys(EN);
        let used: BTreeSet<String> = quoted(&sources, "text(\"")
            .chain(quoted(&sources, "text_with(\""))
            .chain(quoted(&sources, "key!(\""))
            .collect();
        assert!(30 < used.len(), "the scan finds few keys: {used:?}");
        let missing: Vec<_> = used.iter().filter(|key| !known.contains_key(*key)).collect();
        assert!(missing.is_empty(), "used but not in the catalogue: {missing:?}");

        // Steps are named by rules, faults by their code.
        let open = ["step-", "fault-", "audit-", "problem-", "refused-", "deal-column-"];
        let unused: Vec<_> = known
            .keys()
            .filter(|key| !used.contains(*key) && !open.iter().any(|open| key.starts_with(open)))
            .collect();
        assert!(unused.is_empty(), "in the catalogue but not used: {unused:?}");
    }

    fn quoted<'a>(sources: &'a str, before: &'a str) -> impl Iterator<Item = String> + 'a {
        sources.split(before).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
    }

    fn collect(folder: &Path, sources: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, sources);
            } else if path.file_name().is_some_and(|name| name != "i18n.rs") {
                sources.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn counts_in_the_words_of_the_language() {
        let days =
            |language, n| text_with(language, key!("amount-days"), [("n", FluentValue::from(n))]);
        assert_eq!(days(Language::En, 1), "1 day");
        assert_eq!(days(Language::En, 3), "3 days");
        assert_eq!(days(Language::ZhCn, 3), "3 天");
    }
}
