//! The configuration: defaults, then `upturn.toml`, then the environment; the last one wins.
//!
//! Relative paths, in the file as in the environment, are relative to the working directory, as
//! they are on the command line.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use upturn_core::catalogue::Catalogue;
use upturn_core::decode::Sources;

use self::audit::AuditConfig;
use self::compliance::ComplianceConfig;
use self::delivery::DeliveryConfig;
use self::environment::Environment;
use self::feeds::FeedsConfig;
use self::forecast::ForecastConfig;
use self::http::HttpConfig;
use self::layers::{Document, Layers};
use self::mqtt::MqttConfig;
use self::problem::Finding;
use self::retention::RetentionConfig;
use self::source::SourceConfig;
use self::stock::StockConfig;
use self::store::StoreConfig;

pub(crate) mod compliance;
pub(crate) mod stock;
pub(crate) mod audit;
pub(crate) mod delivery;
pub(crate) mod environment;
pub(crate) mod feeds;
pub(crate) mod forecast;
pub(crate) mod http;
mod layers;
mod listen;
pub(crate) mod mqtt;
pub(crate) mod problem;
pub(crate) mod retention;
pub(crate) mod secret;
pub(crate) mod source;
pub(crate) mod store;
pub(crate) mod time_span;

pub(crate) use self::problem::ConfigError;

/// The file that is read where none is named and it exists.
const FILE: &str = "upturn.toml";
/// Where the embedded broker listens: reached from this machine only.
const MQTT_LISTEN: SocketAddr = SocketAddr::new(LOOPBACK, 1883);
/// Where the pages are served: reached from this machine only.
const WEB_LISTEN: SocketAddr = SocketAddr::new(LOOPBACK, 8080);
const LOOPBACK: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where events and tasks are kept.
    pub(crate) store: StoreConfig,
    /// How long it is kept.
    pub(crate) retention: RetentionConfig,
    /// The doors through which telemetry comes.
    pub(crate) mqtt: MqttConfig,
    /// Which topics are read, and how.
    pub(crate) source: Vec<SourceConfig>,
    /// Where the rules are.
    pub(crate) rules: RulesConfig,
    /// Where the registry is.
    pub(crate) registry: RegistryConfig,
    /// Where the pages are served.
    pub(crate) web: WebConfig,
    /// Where letters go that need no document.
    pub(crate) outbox: OutboxConfig,
    /// Where destinations and routes are.
    pub(crate) delivery: DeliveryConfig,
    /// Where feeds are.
    pub(crate) feeds: FeedsConfig,
    /// Where the rules of the house on selling are.
    pub(crate) compliance: ComplianceConfig,
    /// How stock is planned.
    pub(crate) stock: StockConfig,
    /// What is forecast.
    pub(crate) forecast: ForecastConfig,
    /// What becomes of the trail of changes.
    pub(crate) audit: AuditConfig,
    /// Whom the program may call.
    pub(crate) http: HttpConfig,
    /// What is logged.
    pub(crate) log: LogConfig,
    /// The file these settings were read from, if any; not a setting itself.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
}

/// `[rules]`: where the rules are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesConfig {
    /// A folder with one TOML file a rule. Default: `rules`.
    pub(crate) dir: PathBuf,
}

/// `[registry]`: where devices, sites, accounts, people and the calendar are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistryConfig {
    /// A folder with `devices.csv`, `sites.csv`, `accounts.csv`, `people.csv` and `calendar.toml`.
    /// Default: none, an empty registry and working hours Monday to Friday 09:00 to 17:00 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
}

/// `[web]`: where the pages and the API are served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebConfig {
    /// An IP address and a port. Default: `127.0.0.1:8080`.
    #[serde(deserialize_with = "listen::read_required")]
    pub(crate) listen: SocketAddr,
    /// Whether browsers come over TLS, by a proxy before the pages: the cookie then travels over it
    /// only. Default: false.
    pub(crate) secure_cookies: bool,
    /// Where people reach the pages, for the links in letters. Default: none, letters have no link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
}

/// `[outbox]`: where letters about tasks go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboxConfig {
    /// The MQTT topic that letters are published to, `{device}` standing for the task's device.
    /// Default: none, nothing is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mqtt_topic: Option<String>,
}

/// `[log]`: what is logged to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// Lines for people or JSON for machines. Default: `text`.
    pub(crate) format: LogFormat,
    /// The least important level that is logged. Default: `info`.
    pub(crate) level: LogLevel,
}

/// How log entries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How important a log entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogLevel {
    /// Needs a person.
    Error,
    /// Went wrong and recovered.
    Warn,
    /// Rare and worth knowing.
    Info,
    /// For finding a fault.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Returns the level as tracing writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::lowest_layer().with_default_door()
    }
}

impl Config {
    /// Reads the file at `path` and puts the environment over it.
    ///
    /// Without a path it is the file that `UPTURN_CONFIG` names, else `upturn.toml` in the working
    /// directory if there is one, else no file.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(path, Environment::of_process())
    }

    /// Reads the file at `path` and puts `environment` over it; see [`Config::load`].
    pub(crate) fn load_with(
        path: Option<&Path>,
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        let named = path.or_else(|| environment.file().map(Path::new));
        let found = named.or_else(|| Some(Path::new(FILE)).filter(|path| path.exists()));
        let document = found.map(read_file).transpose()?;
        Self::of_layers(document, environment)
    }

    fn of_layers(
        document: Option<Document>,
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        let file = document.as_ref().map(|document| document.path.clone());
        let layers = Layers::new(Self::lowest_layer(), document, environment);
        let (config, problems) = layers.read::<Self>();
        let Some(config) = config.filter(|_| problems.is_empty()) else {
            return Err(ConfigError::Wrong { problems });
        };
        // Only of a whole configuration: what lacks its wrong parts fits together by accident.
        let config = Self { file, ..config.with_default_door() };
        let problems = layers.problems(&config.check());
        if problems.is_empty() { Ok(config) } else { Err(ConfigError::Wrong { problems }) }
    }

    /// Returns how topics and payloads are read.
    pub(crate) fn sources(&self) -> Sources {
        Sources(self.source.iter().map(SourceConfig::to_source).collect())
    }

    /// Returns the kinds and fields that rules may name.
    pub(crate) fn catalogue(&self) -> Catalogue {
        let formats: Vec<_> = self.source.iter().map(|source| source.format).collect();
        Catalogue::of(&formats)
    }

    /// Returns the folder in which the embedded broker keeps its sessions.
    pub(crate) fn sessions_dir(&self) -> PathBuf {
        if let Some(sessions) = &self.mqtt.sessions {
            return sessions.clone();
        }
        let beside = self.store.url.file().map(|file| file.with_extension("sessions"));
        beside.unwrap_or_else(|| "upturn.sessions".into())
    }

    /// Returns these settings as TOML, without secrets.
    pub(crate) fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// The defaults, but for those that depend on other settings.
    fn lowest_layer() -> Self {
        Self {
            store: StoreConfig::default(),
            retention: RetentionConfig::default(),
            mqtt: MqttConfig::default(),
            source: SourceConfig::defaults(),
            rules: RulesConfig { dir: "rules".into() },
            registry: RegistryConfig { dir: None },
            web: WebConfig { listen: WEB_LISTEN, secure_cookies: false, public_url: None },
            outbox: OutboxConfig { mqtt_topic: None },
            delivery: DeliveryConfig::default(),
            feeds: FeedsConfig::default(),
            compliance: ComplianceConfig::default(),
            stock: StockConfig::default(),
            forecast: ForecastConfig::default(),
            audit: AuditConfig::default(),
            http: HttpConfig::default(),
            log: LogConfig { format: LogFormat::Text, level: LogLevel::Info },
            file: None,
        }
    }

    /// Opens the embedded broker's door where no other one is named.
    fn with_default_door(mut self) -> Self {
        if self.mqtt.connect.is_none() && self.mqtt.tls.is_none() {
            self.mqtt.listen = self.mqtt.listen.or(Some(MQTT_LISTEN));
        }
        self
    }

    /// Finds what is right by itself but does not fit together.
    fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(connect) = &self.mqtt.connect {
            connect.check(&mut findings);
        }
        if let Some(tls) = &self.mqtt.tls {
            tls.check(&mut findings);
        }
        let is_sqlite = self.store.url.file().is_some();
        if self.store.password_file.is_some() && (is_sqlite || self.store.url.has_password()) {
            let why = "only a postgres URL without a password of its own needs one; remove it";
            findings.push(Finding::new(&["store", "password_file"], why.to_owned()));
        }
        self.retention.check(&mut findings);
        self.check_sources(&mut findings);
        let same_door = self.mqtt.listen.filter(|mqtt| {
            mqtt.port() != 0
                && mqtt.port() == self.web.listen.port()
                && (mqtt.ip() == self.web.listen.ip()
                    || mqtt.ip().is_unspecified()
                    || self.web.listen.ip().is_unspecified())
        });
        if let Some(door) = same_door {
            let why = format!("mqtt.listen is {door} too; let them listen at different ports");
            findings.push(Finding::new(&["web", "listen"], why));
        }
        self.http.check(&mut findings);
        self.feeds.check(&mut findings);
        self.forecast.check(&mut findings);
        let is_page = |text: &String| {
            let url = url::Url::parse(text);
            url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if !self.web.public_url.as_ref().is_none_or(is_page) {
            let why = "is no address of pages; write https://upturn.example".to_owned();
            findings.push(Finding::new(&["web", "public_url"], why));
        }
        let topic = self.outbox.mqtt_topic.as_deref();
        let is_bad = |topic: &&str| {
            topic.is_empty() || topic.starts_with('$') || topic.contains(['+', '#', '\0'])
        };
        if topic.is_some_and(|topic| is_bad(&topic)) {
            let why =
                "a topic to publish to is not empty, begins without '$' and has no '+' or '#'";
            findings.push(Finding::new(&["outbox", "mqtt_topic"], why.to_owned()));
        }
        findings
    }

    fn check_sources(&self, findings: &mut Vec<Finding>) {
        if self.source.is_empty() {
            let why = "no source is left; remove the key to get the usual ones".to_owned();
            findings.push(Finding::new(&["source"], why));
        }
        for (number, source) in self.source.iter().enumerate() {
            let mut report = |key: &str, why: String| {
                findings.push(Finding::new(&["source", &number.to_string(), key], why));
            };
            let before = || self.source.iter().take(number);
            if before().any(|other| other.name == source.name) {
                report("name", format!("'{}' is another source's name too", source.name));
            }
            let filter = source.topic.filter();
            if let Some(other) = before().find(|other| other.topic.filter() == filter) {
                let other = &other.name;
                report(
                    "topic",
                    format!("source '{other}' reads the same topics; keep one of them"),
                );
            }
        }
    }
}

fn read_file(path: &Path) -> Result<Document, ConfigError> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|source| ConfigError::Read { path: path.into(), source })?;
    // Editors on Windows write a byte order mark.
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Document::parse(path, text).map_err(|problems| ConfigError::Wrong { problems })
}

#[cfg(test)]
mod tests;
