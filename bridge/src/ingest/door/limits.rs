//! The bounds of the door, in one place.

use std::time::Duration;

/// Connections at a time; one more is closed at once.
pub(super) const CONNECTIONS_MAX: usize = 10_000;

/// Largest packet of a client, as announced to MQTT 5 clients: well above what the decoder reads,
/// so that a payload that is merely too large arrives and becomes a dead letter.
pub(super) const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Largest packet of the broker: a client's largest, with room for properties it adds.
pub(super) const BROKER_FRAME_BYTES_MAX: usize = FRAME_BYTES_MAX + 64 * 1024;

/// Publishes of a connection that may be under way; then the gate stops reading from it.
pub(super) const IN_FLIGHT_MAX: usize = 5_000;

/// The same as MQTT 5 clients are told it (Receive Maximum).
pub(super) const RECEIVE_MAXIMUM: u16 = 5_000;

/// Bytes of a connection's publishes that may be under way.
pub(super) const IN_FLIGHT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of all publishes that may be under way, of all connections together.
pub(super) const MEMORY_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Bytes of a publish that the broker retains; a larger one is taken in, but not retained.
pub(super) const RETAINED_BYTES_MAX: usize = 4 * 1024;

/// Topics with a retained message.
pub(super) const RETAINED_MAX: usize = 10_000;

/// Bytes read from a client at a time.
pub(super) const READ_BYTES: usize = 32 * 1024;

/// Bytes read from a client over TLS when it begins to send: what it costs while it is idle.
pub(super) const TLS_IDLE_BYTES: usize = 4 * 1024;

/// Bytes read from the broker at a time, at least.
pub(super) const BROKER_READ_BYTES: usize = 4 * 1024;

/// Bytes between the gate and the broker, for each direction of a connection.
pub(super) const PIPE_BYTES: usize = 64 * 1024;

/// Wills that wait for their delay; one more is handed over at once.
pub(super) const WILLS_WAITING_MAX: usize = 1_000;

/// How long a client may take to send CONNECT.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long a client may leave what is sent to it unread.
pub(super) const WRITE_WITHIN: Duration = Duration::from_secs(30);

/// How long the broker may take to answer what came before a client left.
pub(super) const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// How long a stop waits for commits.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How long the last acknowledgements may take to be written once no commit will follow.
pub(super) const LAST_WRITE_WITHIN: Duration = Duration::from_millis(200);

/// Pause after the system refused to accept a connection, such as for lack of descriptors.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
