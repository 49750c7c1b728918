"""The kinds of columns that the tables are made of, and the CHECKs that hold them."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Computed, Integer, MetaData, Text
from sqlmodel import Field, SQLModel

_ID_TYPE = BigInteger().with_variant(Integer, "sqlite")


class Base(SQLModel):
    """All tables: constraints get names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def row_id() -> Any:
    """Return the primary key: 64 bits on PostgreSQL, the row id on SQLite."""
    return Field(default=None, primary_key=True, sa_type=_ID_TYPE)


def cents(**options: Any) -> Any:
    """Return a column of whole cents."""
    return Field(sa_type=BigInteger, **options)


def points_to(target: str, **options: Any) -> Any:
    """Return a foreign key to a row; it restricts."""
    return Field(sa_type=_ID_TYPE, foreign_key=target, **options)


def words(**options: Any) -> Any:
    """Return a column of text."""
    return Field(sa_type=Text, **options)


def generated(kind: Any, expression: str) -> Any:
    """Return a stored column that the database computes."""
    return Field(
        default=None,
        sa_type=kind,
        sa_column_args=[Computed(expression, persisted=True)],
    )


def whole(*columns: str) -> list[CheckConstraint]:
    """Refuse REAL and text in money columns, which SQLite would otherwise take."""
    return [
        CheckConstraint(f"typeof({column}) = 'integer'", name=f"{column}_whole").ddl_if(
            dialect="sqlite"
        )
        for column in columns
    ]


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return the CHECK that a text is one of these."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
