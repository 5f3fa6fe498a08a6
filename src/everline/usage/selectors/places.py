from collections.abc import Collection

from django.db.models.functions import Left

from everline.catalog.models import Operator

_MCC_LENGTH = 3


def countries_of_plmns(plmns: Collection[str]) -> dict[str, frozenset[str]]:
    """Where each network is: by its PLMN, or for one we do not list by its country code (MCC, ITU-T E.212).

    One statement; empty where nobody we know bears that country code.
    """
    codes = {plmn[:_MCC_LENGTH] for plmn in plmns}
    if not codes:
        return {}
    known: dict[str, set[str]] = {}
    rows = Operator.objects.annotate(mcc=Left("plmn", _MCC_LENGTH)).filter(mcc__in=codes)
    for plmn, country in rows.values_list("plmn", "country"):
        known.setdefault(plmn, set()).add(country)
        known.setdefault(plmn[:_MCC_LENGTH], set()).add(country)
    nowhere: set[str] = set()
    return {plmn: frozenset(known.get(plmn) or known.get(plmn[:_MCC_LENGTH], nowhere)) for plmn in plmns}
