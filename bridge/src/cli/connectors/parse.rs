//! `upturn connectors parse`: what a saved document says, without any network.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value, json};
use upturn_core::fact::Fact;

use super::kinds;
use super::output::{self, printed};
use crate::exit::Exit;

/// The largest document that is read, in bytes: the ECB's whole history as XML has 20 million.
const DOCUMENT_MAX: u64 = 64 << 20;

/// Which document, and how it is read.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The kind of feed it came from: `ecb`
    kind: String,
    /// The document, or `-` for standard input
    file: PathBuf,
    /// A setting of the feed; may stand several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Whom the facts are said to be from; the kind's name, if not given
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Print an error as JSON, too, on standard output
    #[arg(long)]
    json: bool,
}

/// A fact and who says it.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'f> {
    /// It does not say so itself.
    By {
        source: &'f str,
        #[serde(flatten)]
        fact: &'f Fact,
    },
    /// It does.
    Itself(&'f Fact),
}

impl<'f> Said<'f> {
    fn of(source: &'f str, fact: &'f mut Fact) -> Self {
        match fact {
            Fact::Tax(rate) => rate.source = source.into(),
            Fact::Duty(measure) => measure.source = source.into(),
            Fact::Rate(_)
            | Fact::Goods(_)
            | Fact::Calendar(_)
            | Fact::Sailing(_)
            | Fact::PortCall(_)
            | Fact::TransportEvent(_)
            | Fact::Lane(_)
            | Fact::Closure(_)
            | Fact::Weather(_)
            | Fact::Attributes(_)
            | Fact::Policy(_)
            | Fact::Unread(_) => return Self::By { source, fact },
        }
        Self::Itself(fact)
    }
}

/// Prints the facts, a JSON object a line.
pub(super) fn run(args: &Args) -> Exit {
    let kind = match kinds::find(&args.kind) {
        Ok(kind) => kind,
        Err(unknown) => return output::failed(&unknown, Exit::Usage),
    };
    let settings = match settings(&args.settings, &(kind.schema)().to_value()) {
        Ok(settings) => settings,
        Err(problem) => {
            output::note(format_args!("upturn: {problem}"));
            return Exit::Usage;
        }
    };
    let bytes = match read(&args.file) {
        Ok(bytes) => bytes,
        Err(error) => {
            output::note(format_args!("upturn: '{}' cannot be read: {error}", args.file.display()));
            return Exit::NoInput;
        }
    };
    match (kind.parse)(&settings, &bytes) {
        Ok(facts) => {
            let source = args.source.as_deref().unwrap_or(kind.name);
            printed(print(source, facts))
        }
        Err(error) => {
            output::note(format_args!("upturn: {}: {error}", args.file.display()));
            if !args.json {
                return Exit::DataErr;
            }
            let told = output::say_json(json!({"error": error.to_string()}));
            printed(told.map(|()| Exit::DataErr))
        }
    }
}

fn print(source: &str, facts: Vec<Fact>) -> io::Result<Exit> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for mut fact in facts {
        serde_json::to_writer(&mut out, &Said::of(source, &mut fact))?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}

fn read(path: &PathBuf) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(DOCUMENT_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(DOCUMENT_MAX + 1).read_to_end(&mut bytes)?;
    }
    if DOCUMENT_MAX < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        return Err(io::Error::other(format!("it has more than {DOCUMENT_MAX} bytes")));
    }
    Ok(bytes)
}

/// Returns the settings `texts` as an object, each with the type its schema names.
fn settings(texts: &[String], schema: &Value) -> Result<Value, String> {
    let mut settings = Map::new();
    for text in texts {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| format!("'{text}' is no setting; write it as KEY=VALUE"))?;
        let property = schema.get("properties").and_then(|all| all.get(key));
        let types = property.and_then(|property| property.get("type"));
        let is_of = |name: &str| match types {
            Some(Value::Array(all)) => all.contains(&json!(name)),
            one => one == Some(&json!(name)),
        };
        let value = match serde_json::from_str::<Value>(value) {
            Ok(read @ (Value::Bool(_) | Value::Number(_)))
                if is_of("boolean") || is_of("integer") =>
            {
                read
            }
            Ok(read @ (Value::Array(_) | Value::Object(_))) => read,
            Ok(_) | Err(_) => Value::from(value),
        };
        if settings.insert(key.to_owned(), value).is_some() {
            return Err(format!("the setting '{key}' stands twice"));
        }
    }
    Ok(Value::Object(settings))
}
