//! Events as a Parquet file, for the tools of others, and back.
//!
//! The columns are those of an exported event, in its order. Times are milliseconds in UTC.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::SerializedFileReader;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::parser::parse_message_type;
use upturn_core::decode::exported::{self, ExportedEvent};
use upturn_core::event::Event;

/// What every Parquet file begins with.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";
/// Rows that are kept until they are written together.
const GROUP_ROWS: usize = 50_000;
/// Bytes of attributes after which a group is written early.
const GROUP_BYTES: usize = 32 * 1024 * 1024;

const SCHEMA: &str = "
    message upturn_events {
        REQUIRED INT64 position;
        REQUIRED BYTE_ARRAY device (STRING);
        REQUIRED BYTE_ARRAY id (STRING);
        OPTIONAL BYTE_ARRAY channel (STRING);
        REQUIRED BYTE_ARRAY kind (STRING);
        OPTIONAL INT64 stated_at (TIMESTAMP(MILLIS, true));
        REQUIRED INT64 occurred_at (TIMESTAMP(MILLIS, true));
        REQUIRED INT64 received_at (TIMESTAMP(MILLIS, true));
        OPTIONAL INT64 seq;
        REQUIRED BOOLEAN clock_suspect;
        REQUIRED BYTE_ARRAY attributes (JSON);
    }";

/// Why a file was not written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// The file is torn, or the disk refuses.
    #[error("the Parquet file cannot be written or read; is it whole?")]
    File(#[from] ParquetError),
    /// A column is missing, or of another type.
    #[error(
        "the column '{0}' is missing or holds something else; only files of `upturn export events` are read"
    )]
    Column(&'static str),
    /// A row holds what no event can.
    #[error("row {row}")]
    Row {
        /// Which, from 1.
        row: u64,
        /// What is wrong with it.
        source: upturn_core::decode::DecodeError,
    },
}

/// Writes events group by group.
pub(crate) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    group: Vec<ExportedEvent>,
    bytes: usize,
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file.
    pub(crate) fn new(out: W) -> Result<Self, TableError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
        Ok(Self { file, group: Vec::new(), bytes: 0 })
    }

    /// Adds an event.
    pub(crate) fn add(&mut self, event: ExportedEvent) -> Result<(), TableError> {
        self.bytes += event.attributes.get().len();
        self.group.push(event);
        if GROUP_ROWS <= self.group.len() || GROUP_BYTES <= self.bytes {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the rest and the end of the file, and returns where it went.
    pub(crate) fn finish(mut self) -> Result<W, TableError> {
        self.flush()?;
        Ok(self.file.into_inner()?)
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if self.group.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.group);
        self.bytes = 0;
        let ms = |at: DateTime<chrono::Utc>| at.timestamp_millis();
        let mut group = self.file.next_row_group()?;
        required::<Int64Type, _>(&mut group, &rows, |row| row.position.cast_signed())?;
        required::<ByteArrayType, _>(&mut group, &rows, |row| bytes(&row.device))?;
        required::<ByteArrayType, _>(&mut group, &rows, |row| bytes(&row.id))?;
        optional::<ByteArrayType, _>(&mut group, &rows, |row| row.channel.as_deref().map(bytes))?;
        required::<ByteArrayType, _>(&mut group, &rows, |row| bytes(&row.kind))?;
        optional::<Int64Type, _>(&mut group, &rows, |row| row.stated_at.map(ms))?;
        required::<Int64Type, _>(&mut group, &rows, |row| ms(row.occurred_at))?;
        required::<Int64Type, _>(&mut group, &rows, |row| ms(row.received_at))?;
        optional::<Int64Type, _>(&mut group, &rows, |row| row.seq)?;
        required::<BoolType, _>(&mut group, &rows, |row| row.clock_suspect)?;
        required::<ByteArrayType, _>(&mut group, &rows, |row| bytes(row.attributes.get()))?;
        group.close()?;
        Ok(())
    }
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text.as_bytes().to_vec())
}

/// Writes the next column, which every row has.
fn required<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[ExportedEvent],
    value: impl Fn(&ExportedEvent) -> T::T,
) -> Result<(), ParquetError> {
    let values: Vec<T::T> = rows.iter().map(value).collect();
    write::<T, W>(group, &values, None)
}

/// Writes the next column, which some rows have.
fn optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[ExportedEvent],
    value: impl Fn(&ExportedEvent) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let all: Vec<Option<T::T>> = rows.iter().map(value).collect();
    let levels: Vec<i16> = all.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = all.into_iter().flatten().collect();
    write::<T, W>(group, &values, Some(&levels))
}

fn write<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".to_owned()));
    };
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

/// Reads the events of the file at `path`, one after the other; `Err` of one that cannot be, and
/// then the next.
pub(crate) fn read(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Event, TableError>> + use<>, TableError> {
    let file = File::open(path).map_err(|error| ParquetError::External(Box::new(error)))?;
    let reader = SerializedFileReader::new(file)?;
    let rows = RowIter::from_file_into(Box::new(reader));
    Ok((1..).zip(rows).map(|(number, row)| {
        let exported = exported_of(&row?, number)?;
        exported.to_event().map_err(|source| TableError::Row { row: number, source })
    }))
}

fn exported_of(row: &Row, number: u64) -> Result<ExportedEvent, TableError> {
    let find = |name: &'static str| row.get_column_iter().find(|(found, _)| *found == name);
    let field = |name| find(name).map(|(_, field)| field).ok_or(TableError::Column(name));
    let text = |name| text_of(field(name)?).ok_or(TableError::Column(name));
    let whole = |name| whole_of(field(name)?).ok_or(TableError::Column(name));
    let is_null = |name| field(name).map(|field| matches!(field, Field::Null));
    let time = |name| DateTime::from_timestamp_millis(whole(name)?).ok_or(TableError::Column(name));
    let Field::Bool(clock_suspect) = field("clock_suspect")? else {
        return Err(TableError::Column("clock_suspect"));
    };
    let attributes = exported::raw(text("attributes")?);
    Ok(ExportedEvent {
        upturn_event: exported::format(),
        position: whole("position")?.cast_unsigned(),
        device: text("device")?,
        id: text("id")?,
        channel: if is_null("channel")? { None } else { Some(text("channel")?) },
        kind: text("kind")?,
        stated_at: if is_null("stated_at")? { None } else { Some(time("stated_at")?) },
        occurred_at: time("occurred_at")?,
        received_at: time("received_at")?,
        seq: if is_null("seq")? { None } else { Some(whole("seq")?) },
        clock_suspect: *clock_suspect,
        attributes: attributes.map_err(|source| TableError::Row { row: number, source })?,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's types are many")]
fn text_of(field: &Field) -> Option<String> {
    match field {
        Field::Str(text) => Some(text.clone()),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).ok().map(str::to_owned),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's types are many")]
fn whole_of(field: &Field) -> Option<i64> {
    match field {
        Field::Long(whole) | Field::TimestampMillis(whole) => Some(*whole),
        _ => None,
    }
}
