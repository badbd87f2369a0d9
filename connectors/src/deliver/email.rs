//! Letters as e-mail.
//!
//! **What it does** sends each letter to its recipient, or to one address for all, as text and HTML.
//! The message's id comes from the letter's key, so that mail systems can drop a repetition; all
//! messages about one task make one thread. SMTP itself cannot be asked what arrived: where the
//! answer to a message was lost, it is sent again with the same id.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `host = "smtp.example.com"`, `from = "Upturn <upturn@example.com>"`
//! **Settings** the server, how the connection is secured, the sender, and who gets letters that
//! name nobody. Connections without TLS go only to private hosts that the operator lists.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::timeout;

use self::message::compose;
use self::metered::Metered;
use super::channel::{Channel, Receipt};
use super::failure::{Failure, quote};
use super::kind::{self, Kind, Proof, SettingsError};
use super::letter::Letter;
use crate::http::Http;
use crate::http::guard::is_public;
use crate::secret::Secret;

mod message;
mod metered;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "email",
    about: "Sends letters as e-mail, in text and HTML.",
    proof: Proof::Real("OpenSMTPD 6.8 and aiosmtpd 1.4"),
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(Email::new(kind::read(settings)?, &around.http)?)),
};

/// How the mail server is reached, and who writes to whom.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The mail server's name; its certificate has to show it.
    pub host: String,
    /// Its port: 587 for `starttls`, 465 for `tls`, 25 for `none`, if not set.
    pub port: Option<u16>,
    /// How the connection is secured.
    #[serde(default)]
    pub security: Security,
    /// The sender: `Upturn <upturn@example.com>`.
    pub from: String,
    /// Who gets letters that are for nobody in particular.
    pub to: Option<String>,
    /// The name to log in with.
    pub user: Option<String>,
    /// The file with the password; its whole path.
    pub password_file: Option<PathBuf>,
    /// A file with certificates (PEM) to trust beside those of the system; its whole path.
    pub ca_file: Option<PathBuf>,
}

/// How a connection is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// It begins without TLS and must go over to it.
    #[default]
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// Not at all; only to private hosts that the operator lists.
    None,
}

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a whole exchange may take.
const EXCHANGE_MAX: Duration = Duration::from_mins(1);
/// To how many addresses of a name a connection is tried.
const ADDRESSES_MAX: usize = 3;

/// Letters as e-mail.
#[derive(Debug)]
struct Email {
    settings: Settings,
    port: u16,
    from: Mailbox,
    to: Option<Mailbox>,
    password: Option<Secret>,
    authority: Option<Certificate>,
    http: Http,
}

impl Email {
    fn new(settings: Settings, http: &Http) -> Result<Self, SettingsError> {
        let mailbox = |name: &str, text: &str| {
            text.parse::<Mailbox>().map_err(|error| {
                SettingsError(format!("'{name}' is no address ({error}); write name@domain"))
            })
        };
        let unread = |name: &str, error: &dyn std::fmt::Display| {
            SettingsError(format!("'{name}' cannot be used: {error}"))
        };
        if settings.user.is_some() != settings.password_file.is_some() {
            let why = "'user' and 'password_file' belong together; set both or neither";
            return Err(SettingsError(why.to_owned()));
        }
        if settings.security == Security::None && !http.is_listed(&settings.host) {
            let why = "'security' may be none only for a private host that is listed in [http] \
                       allow_private; use starttls or tls";
            return Err(SettingsError(why.to_owned()));
        }
        let password = settings.password_file.as_deref().map(Secret::read).transpose();
        let authority = match &settings.ca_file {
            None => None,
            Some(path) => {
                let pem = std::fs::read(path).map_err(|error| unread("ca_file", &error))?;
                Some(Certificate::from_pem(&pem).map_err(|error| unread("ca_file", &error))?)
            }
        };
        let port = settings.port.unwrap_or(match settings.security {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::None => 25,
        });
        Ok(Self {
            port,
            from: mailbox("from", &settings.from)?,
            to: settings.to.as_deref().map(|to| mailbox("to", to)).transpose()?,
            password: password.map_err(|error| unread("password_file", &error))?,
            authority,
            http: http.clone(),
            settings,
        })
    }

    /// Returns a connection that is secured and logged in.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let host = &self.settings.host;
        let addresses = self.http.resolve(host, self.port).await?;
        let is_plain = self.settings.security == Security::None;
        if is_plain && addresses.iter().any(|at| is_public(at.ip())) {
            return Err(Failure::later(format!(
                "{host} has a public address, and 'security' is none; use starttls or tls"
            )));
        }
        let mut last = Failure::later(format!("{host} has no address"));
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            match self.connect_to(address).await {
                Ok(connection) => return Ok(connection),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<AsyncSmtpConnection, Failure> {
        let me = ClientId::Domain(self.from.email.domain().to_owned());
        let security = self.settings.security;
        let tls = match security {
            Security::None => None,
            Security::Starttls | Security::Tls => Some(self.tls()?),
        };
        let (at_once, upgrade) = if security == Security::Tls { (tls, None) } else { (None, tls) };
        let failed = |doing: &str, error: &Error| self.later(doing, error);
        let connection = if at_once.is_some() {
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_MAX), &me, at_once, None)
                .await
        } else {
            let stream = Metered::connect(address).await?;
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &me).await
        };
        let mut connection = connection.map_err(|error| failed("connecting", &error))?;
        if let Some(tls) = upgrade {
            if !connection.can_starttls() {
                return Err(Failure::later(
                    "the mail server offers no STARTTLS; use tls, or ask its operator",
                ));
            }
            connection.starttls(tls, &me).await.map_err(|error| failed("STARTTLS", &error))?;
        }
        if let (Some(user), Some(password)) = (&self.settings.user, &self.password) {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            let known = [Mechanism::Plain, Mechanism::Login];
            let answer = connection.auth(&known, &credentials).await;
            answer.map_err(|error| failed("logging in (check user and password)", &error))?;
        }
        Ok(connection)
    }

    fn tls(&self) -> Result<TlsParameters, Failure> {
        let mut builder = TlsParameters::builder(self.settings.host.clone());
        if let Some(authority) = &self.authority {
            builder = builder.add_root_certificate(authority.clone());
        }
        builder.build_rustls().map_err(|error| self.later("preparing TLS", &error))
    }

    /// Returns a failure of the server or the way to it.
    fn later(&self, doing: &str, error: &Error) -> Failure {
        Failure::later(format!("{doing} did not work: {}", self.words(error)))
    }

    /// Returns a failure of one letter, where the server refused it for good; not where it asks for
    /// another sender or a log-in.
    fn of_letter(&self, doing: &str, error: &Error) -> Failure {
        let code = error.status().map(|status| status.to_string());
        let is_ours = code.as_deref().is_some_and(|c| matches!(c, "530" | "534" | "535" | "538"));
        if error.is_permanent() && !is_ours {
            return Failure::refused(format!("{doing} was refused: {}", self.words(error)));
        }
        self.later(doing, error)
    }

    /// Returns what the server said, in one line and without our password.
    fn words(&self, error: &Error) -> String {
        let mut said = error.to_string();
        if let (Some(user), Some(password)) = (&self.settings.user, &self.password) {
            // As it is, and as it goes over the wire.
            let plain = STANDARD.encode(format!("\0{user}\0{}", password.expose()));
            let login = STANDARD.encode(password.expose());
            for secret in [password, &Secret::from(plain), &Secret::from(login)] {
                said = secret.hide_in(&said);
            }
        }
        quote(&said)
    }

    async fn hand_over(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        let message = compose(&self.from, self.to.as_ref(), letter, now)?;
        let mut connection = self.connect().await?;
        let sender = Mail::new(Some(self.from.email.clone()), Vec::new());
        let answer = connection.command(sender).await;
        answer.map_err(|error| self.later("naming the sender", &error))?;
        let recipient = Rcpt::new(message.to, Vec::new());
        let answer = connection.command(recipient).await;
        answer.map_err(|error| self.of_letter("the recipient", &error))?;
        let answer = connection.command(Data).await;
        answer.map_err(|error| self.of_letter("the message", &error))?;
        let answer = connection.message(&message.bytes).await;
        answer.map_err(|error| self.of_letter("the message", &error))?;
        // The message is taken; how the connection ends matters no more.
        drop(connection.quit().await);
        let remote = letter.remote.clone().unwrap_or(message.id);
        Ok(Receipt { remote: Some(remote), url: None, was_there: false })
    }

    async fn try_out(&self) -> Result<String, Failure> {
        let mut connection = self.connect().await?;
        let answer = connection.command(Noop).await;
        answer.map_err(|error| self.later("asking it", &error))?;
        drop(connection.quit().await);
        let host = &self.settings.host;
        let secured = if self.settings.security == Security::None { "without" } else { "with" };
        let logged_in =
            if self.password.is_some() { "took the password" } else { "wants no password so far" };
        Ok(format!("{host} answered {secured} TLS and {logged_in}; nothing was sent"))
    }

    fn late(&self) -> Failure {
        let host = &self.settings.host;
        Failure::later(format!("{host} did not finish within {} s", EXCHANGE_MAX.as_secs()))
    }
}

#[async_trait]
impl Channel for Email {
    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        timeout(EXCHANGE_MAX, self.hand_over(letter, now))
            .await
            .unwrap_or_else(|_| Err(self.late()))
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        timeout(EXCHANGE_MAX, self.try_out()).await.unwrap_or_else(|_| Err(self.late()))
    }
}
