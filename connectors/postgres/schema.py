"""The catalogue's tables in PostgreSQL, one schema a knowledge base, and how they are upgraded."""

from __future__ import annotations

__all__ = ["IDENTITY", "MIGRATIONS", "SCHEMA_VERSION", "TABLES"]

SCHEMA_VERSION = 1
IDENTITY = "id"
"""Under it ``meta`` keeps what tells a knowledge base from one of the same name that was dropped
before."""

MIGRATIONS: dict[int, str] = {}
"""What brings tables of a version to the next one; the first writer runs it in one transaction."""

TABLES = """
-- One row of it is locked by every change: changes come one after another, and so do revisions.
CREATE TABLE meta (
    key TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL, checksum BIGINT NOT NULL
) WITH (fillfactor = 50);

-- How many rows each set of rows has, and what they add up to.
CREATE TABLE digest (
    name TEXT COLLATE "C" PRIMARY KEY, rows BIGINT NOT NULL, sum BYTEA NOT NULL,
    checksum BIGINT NOT NULL
) WITH (fillfactor = 50);

-- The last number that each table gave: a number is never given twice.
CREATE TABLE sequence (
    name TEXT COLLATE "C" PRIMARY KEY, seq BIGINT NOT NULL
) WITH (fillfactor = 50);

-- A source is a file that was indexed to its end; fingerprint is that of its bytes. Names and ids
-- are unique by a hash: a tree's keys have at most 2,700 bytes.
CREATE TABLE source (
    name TEXT COLLATE "C" NOT NULL, fingerprint BYTEA NOT NULL,
    EXCLUDE USING hash (name WITH =)
);

CREATE TABLE document (
    number BIGINT PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    chunks BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    language_hint TEXT,
    metadata TEXT NOT NULL,
    checksum BIGINT NOT NULL,
    spans TEXT NOT NULL,
    text TEXT NOT NULL,
    EXCLUDE USING hash (id WITH =)
);
-- Only equality is asked, and of texts of any length.
CREATE INDEX document_source ON document USING hash (source);
CREATE INDEX document_title ON document USING hash (title);

-- The metadata again, one row a field, for filters. kind: t(ext), n(umber), b(oolean). The value is
-- kept as its text, of numbers and booleans (1, 0) beside it exactly.
CREATE TABLE field (
    document BIGINT NOT NULL REFERENCES document (number) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    number NUMERIC,
    PRIMARY KEY (document, key)
);
CREATE INDEX field_number ON field (key, number) WHERE number IS NOT NULL;
CREATE INDEX field_text ON field USING hash (value) WHERE kind = 't';

CREATE TABLE chunk (
    id BIGINT PRIMARY KEY,
    document BIGINT NOT NULL REFERENCES document (number) ON DELETE CASCADE,
    revision BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    start_offset BIGINT NOT NULL,
    end_offset BIGINT NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    section TEXT NOT NULL,
    page BIGINT,
    token_bytes BIGINT NOT NULL,
    checksum BIGINT NOT NULL,
    text TEXT NOT NULL,
    vector BYTEA NOT NULL,
    terms BYTEA NOT NULL
);
-- What is compressed already, or can not be, is not compressed again.
ALTER TABLE chunk ALTER COLUMN vector SET STORAGE EXTERNAL;
ALTER TABLE chunk ALTER COLUMN terms SET STORAGE EXTERNAL;
CREATE INDEX chunk_filter ON chunk (document, language, page);
CREATE INDEX chunk_language ON chunk (language);
CREATE INDEX chunk_revision ON chunk (revision);

-- The vectors of a chunk's tokens, where they are kept.
CREATE TABLE token_vectors (
    chunk BIGINT PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
    data BYTEA NOT NULL,
    checksum BIGINT NOT NULL
);
ALTER TABLE token_vectors ALTER COLUMN data SET STORAGE EXTERNAL;

-- Chunks that were deleted, for indexes to catch up; the checksum is that of the chunk.
CREATE TABLE tombstone (
    chunk BIGINT PRIMARY KEY, revision BIGINT NOT NULL, checksum BIGINT NOT NULL
);
CREATE INDEX tombstone_revision ON tombstone (revision);
"""
