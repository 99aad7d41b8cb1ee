"""django-hordak: transfers between two accounts in PostgreSQL, one a transaction and many."""

import json
import sys
import time
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

AT_ONCE = 200
FOLDER, ALONE, TOGETHER = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def set_up() -> None:
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "nuanzhang",
                "HOST": FOLDER,
                "OPTIONS": {"options": "-c search_path=hordak"},
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "mptt",
            "djmoney",
            "hordak",
        ],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        SECRET_KEY="of a benchmark",
        DEFAULT_CURRENCY="CNY",
        CURRENCIES=["CNY"],
    )
    django.setup()
    from django.db import connection  # noqa: PLC0415 - after the settings

    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hordak")
    call_command("migrate", verbosity=0)


def accounts() -> tuple[Any, Any]:
    from hordak.models import Account  # noqa: PLC0415 - after the settings

    def made(name: str, code: str) -> Any:
        return Account.objects.create(name=name, code=code, type="AS", currencies=["CNY"])

    return made("fund", "1"), made("paid", "2")


def main() -> None:
    set_up()
    from moneyed import Money  # noqa: PLC0415 - with the rest

    source, target = accounts()
    amount = Money(1, "CNY")

    def transfer(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            source.transfer_to(target, amount)
        return count / (time.perf_counter() - start)

    transfer(20)
    alone = transfer(ALONE)
    start = time.perf_counter()
    for _ in range(TOGETHER // AT_ONCE):
        with transaction.atomic():
            transfer(AT_ONCE)
    together = TOGETHER / (time.perf_counter() - start)
    sys.stdout.write(json.dumps({"alone": alone, "together": together}))


main()
