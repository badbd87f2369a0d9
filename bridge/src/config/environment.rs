//! Settings from the environment: `UPTURN_WEB__LISTEN` is `listen` in `[web]`.

use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

/// What the names of our variables begin with.
const PREFIX: &str = "UPTURN_";
/// What stands between the names of a table and a key.
const SEPARATOR: &str = "__";
/// Names the configuration file, so it is no setting in it.
const FILE: &str = "UPTURN_CONFIG";
/// What the names of the test suite's own variables begin with.
const TESTS: &str = "UPTURN_TEST_";

/// The variables of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    variables: Vec<(String, String)>,
}

/// Returns the variable `name` of this process, which a document names for a secret.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Environment {
    /// Takes the variables of this process.
    pub(crate) fn of_process() -> Self {
        let readable = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Self::of(readable)
    }

    /// Takes given variables; those of others are left out.
    pub(crate) fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = variables
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX) && !name.starts_with(TESTS));
        Self { variables: ours.collect() }
    }

    /// Returns the configuration file it names, if any.
    pub(super) fn file(&self) -> Option<&str> {
        let named = self.variables.iter().find(|(name, _)| name == FILE);
        named.map(|(_, path)| path.as_str()).filter(|path| !path.is_empty())
    }

    /// Returns the name of the variable that sets the key at `path`.
    pub(super) fn name_of(&self, path: &[String]) -> String {
        let full = format!("{PREFIX}{}", path.join(SEPARATOR).to_uppercase());
        // A finding inside a list that came in one variable is about that variable.
        let is_outer = |name: &str| {
            full.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATOR))
        };
        let set = self.variables.iter().map(|(name, _)| name.to_uppercase());
        set.filter(|name| is_outer(name)).max_by_key(String::len).unwrap_or(full)
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named(super::layers::ENVIRONMENT)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut settings = Dict::new();
        for (name, text) in self.variables.iter().filter(|(name, _)| name != FILE) {
            let Some(path) = name.strip_prefix(PREFIX) else { continue };
            let path = path.to_lowercase();
            let mut keys = path.split(SEPARATOR).collect::<Vec<_>>();
            if keys == ["mqtt", "connect"] && !text.starts_with('{') {
                // The URL alone, as in the file; the other keys keep what the file says.
                keys.push("url");
            }
            let Some(key) = keys.pop() else { continue };
            set(&mut settings, &keys, key, value(text));
        }
        Ok(Profile::Default.collect(settings))
    }
}

/// Reads a list or a table as TOML has it; everything else is a text, also `0042` and `true`.
fn value(text: &str) -> Value {
    let is_nested = text.starts_with('[') || text.starts_with('{');
    let nested = is_nested.then(|| toml::from_str::<toml::Table>(&format!("value = {text}")).ok());
    let nested = nested.flatten().and_then(|table| table.get("value").cloned());
    nested.and_then(|value| Value::serialize(value).ok()).unwrap_or_else(|| Value::from(text))
}

fn set(table: &mut Dict, tables: &[&str], key: &str, value: Value) {
    let Some((first, rest)) = tables.split_first() else {
        table.insert(key.to_owned(), value);
        return;
    };
    let inner = table.entry((*first).to_owned()).or_insert_with(|| Value::from(Dict::new()));
    if !matches!(inner, Value::Dict(..)) {
        *inner = Value::from(Dict::new());
    }
    if let Value::Dict(_, inner) = inner {
        set(inner, rest, key, value);
    }
}
