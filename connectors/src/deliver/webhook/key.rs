//! Keys of webhooks: signing, and checking what others signed.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};
use subtle::{Choice, ConstantTimeEq as _};

use crate::deliver::access;
use crate::deliver::failure::Failure;
use crate::deliver::kind::SettingsError;
use crate::http::header::HeaderMap;
use crate::secret::{MASK, Secret};

/// The keys of one direction, at most four.
pub struct Keys(Vec<Key>);

struct Key {
    secret: Secret,
    webhook: Webhook,
}

/// How many keys a direction may have.
const KEYS_MAX: usize = 4;
/// The shortest key, in characters of Base64: 24 bytes, as the specification asks for.
const KEY_MIN: usize = 32;
/// How far the sender's clock may be off.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// How many signatures of one post are looked at.
const SIGNATURES_MAX: usize = 16;
/// How long the id of a post may be, in bytes.
const ID_MAX: usize = 200;

impl Keys {
    /// Reads the keys in `paths`, which the setting `name` holds.
    pub fn read(name: &str, paths: &[PathBuf]) -> Result<Self, SettingsError> {
        if KEYS_MAX < paths.len() {
            let why = format!("'{name}' lists {} files; at most {KEYS_MAX} are used", paths.len());
            return Err(SettingsError(why));
        }
        let secrets = paths.iter().map(|path| access::secret(name, path));
        Self::new(name, secrets.collect::<Result<_, _>>()?)
    }

    fn new(name: &str, secrets: Vec<Secret>) -> Result<Self, SettingsError> {
        let read = |secret: Secret| {
            let text = secret.expose();
            let is_long = KEY_MIN <= text.trim_start_matches("whsec_").len();
            let webhook = Webhook::new(text).ok().filter(|_| is_long).ok_or_else(|| {
                SettingsError(format!(
                    "'{name}': a file holds no key; write 'whsec_' and at least 24 bytes in Base64"
                ))
            })?;
            Ok(Key { secret, webhook })
        };
        secrets.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Tells whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether a key is among the `others` too.
    pub fn shares_one_with(&self, others: &Self) -> bool {
        let bare = |key: &Key| key.secret.expose().trim_start_matches("whsec_").to_owned();
        self.0.iter().any(|key| others.0.iter().any(|other| bare(key) == bare(other)))
    }

    /// Returns the signatures of a post by all keys, in their order.
    pub fn sign(&self, id: &str, at: DateTime<Utc>, body: &str) -> Result<String, Failure> {
        let sign = |key: &Key| key.webhook.sign(id, at.timestamp(), body.as_bytes());
        let signed: Result<Vec<_>, _> = self.0.iter().map(sign).collect();
        signed.map(|all| all.join(" ")).map_err(|error| Failure::refused(error.to_string()))
    }

    /// Returns the id of the post of `headers` and `body`, if one of the keys signed it and it was
    /// sent within five minutes of `now`. Takes the same time whichever key or byte is wrong.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<String, Failure> {
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.ok_or_else(|| Failure::refused(format!("there is no header '{name}'")))
        };
        if self.is_empty() {
            return Err(Failure::refused("nothing is taken here; set 'inbound_secret_files'"));
        }
        let id = header(HEADER_WEBHOOK_ID)?;
        if id.is_empty() || ID_MAX < id.len() {
            let why = format!("'{HEADER_WEBHOOK_ID}' has {} bytes, not 1 to {ID_MAX}", id.len());
            return Err(Failure::refused(why));
        }
        let sent_at = header(HEADER_WEBHOOK_TIMESTAMP)?
            .parse()
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .ok_or_else(|| {
                Failure::refused(format!("'{HEADER_WEBHOOK_TIMESTAMP}' holds no seconds"))
            })?;
        if TOLERANCE < (now - sent_at).abs() {
            return Err(Failure::refused(
                "it was signed more than five minutes ago or ahead; set the sender's clock",
            ));
        }
        let signatures = header(HEADER_WEBHOOK_SIGNATURE)?;
        let mut is_ours = Choice::from(0);
        for key in &self.0 {
            let expected = key
                .webhook
                .sign(id, sent_at.timestamp(), body)
                .map_err(|_unsaid| Failure::refused("the body is no UTF-8"))?;
            for signature in signatures.split(' ').take(SIGNATURES_MAX) {
                is_ours |= signature.as_bytes().ct_eq(expected.as_bytes());
            }
        }
        if bool::from(is_ours) {
            return Ok(id.to_owned());
        }
        Err(Failure::refused("the signature is none of ours; check the key on both sides"))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|_| MASK)).finish()
    }
}
