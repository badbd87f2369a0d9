//! A client's end of a connection: plain, or over TLS.

use std::{io, net::SocketAddr};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, ReadHalf},
    net::{TcpStream, tcp::OwnedReadHalf},
};
use tokio_rustls::server::TlsStream;
use upturn_core::id::DeviceId;

use super::limits::{READ_BYTES, TLS_IDLE_BYTES};

/// Where the gate writes to a client.
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A client whose connection stands.
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    /// The device that its certificate names, where one is asked for.
    pub(super) device: Option<DeviceId>,
}

/// Where the gate reads from a client.
pub(super) enum Reader {
    /// A socket.
    Plain(OwnedReadHalf),
    /// What comes out of TLS.
    Tls(ReadHalf<TlsStream<TcpStream>>),
}

impl Client {
    /// Takes a socket as it is.
    pub(super) fn plain(stream: TcpStream, peer: SocketAddr) -> Self {
        let (reader, writer) = stream.into_split();
        Self { peer, reader: Reader::Plain(reader), writer: Box::new(writer), device: None }
    }

    /// Takes a connection over TLS with a client that showed to be `device`.
    pub(super) fn over_tls(
        stream: TlsStream<TcpStream>,
        peer: SocketAddr,
        device: Option<DeviceId>,
    ) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self { peer, reader: Reader::Tls(reader), writer: Box::new(writer), device }
    }
}

impl Reader {
    /// Reads what is there; a client that sends nothing costs little buffer meanwhile, and none
    /// where it needs no TLS.
    pub(super) async fn read_some(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        if buffer.is_empty() {
            *buffer = BytesMut::new();
        }
        match self {
            Self::Plain(socket) => loop {
                socket.readable().await?;
                buffer.reserve(READ_BYTES);
                match socket.try_read_buf(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
            },
            Self::Tls(stream) => {
                buffer.reserve(if buffer.is_empty() { TLS_IDLE_BYTES } else { READ_BYTES });
                stream.read_buf(buffer).await
            }
        }
    }
}
