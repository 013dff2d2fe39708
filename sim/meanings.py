"""What the columns of a run's tables hold: said once, for the tables' schemas, the effects and the pages of docs/."""

from sim.measures import MEASURES, SURVIVAL, SURVIVES

#: what columns hold that say which row it is, in any table that has no text of its own for them
KEYS = {
    "scenario": "Id of the scenario",
    "point": "Position of the point in the study's design",
    "seed": "Seed of all draws",
    "month": "Month of the scenario, from 0",
    "lever": "Id of the lever",
    "uid": "Identity of the startup, the same in every scenario",
    "zone": "Id of the zone",
    "segment": "Segment",
}
#: how often a bound binds (columns `cap_...`)
CAPS = {
    "revenue_quality_cap": "Firm-months in which capability is above the cap of revenue",
    "revenue_cap": "Firm-months at the largest revenue",
    "target_low": "Firm-months in which capability is below what the target heeds",
    "target_high": "Firm-months in which capability is above what the target heeds",
    "runway_cut": "Firm-months that release heads",
    "runway_hold": "Firm-months that replace losses only",
    "no_space_to_hire": "Firm-months whose posts are cut by lack of space",
    "wage_step": "Months with the largest change of the wage",
    "rent_step": "Cell-months at the largest change of rent",
    "tenants_squeezed": "Cell-months in which other tenants hold less than they want",
    "demand_floor": "Cells in which startups hold more than the occupied stock of the first month",
    "seek_quality_cap": "Startup-months in which capability is above what the search for money heeds",
    "purse_full": "Fund-months whose purse is at its limit",
    "fund_cap": "New periods of funds whose record counts at its lowest or highest",
    "commitment_exhausted": "Fund-months with nothing left to call",
    "ticket_short": "Commitments smaller than what the round still needed",
    "round_released": "Rounds that stay below the closing share",
    "search_expired": "Searches that end without a round",
    "crowd_out_short": "Fund-months in which a purse holds less than guided money would crowd out",
    "entrants_lost": "Entrants lost for want of rooms",
    "movers_without_room": "Movers who find no room anywhere",
    "firm_months": "The numbers to divide by",
    "cell_months": "The numbers to divide by",
    "fund_months": "The numbers to divide by",
}
#: years after which it is told what became of the founders of the top share
FATE_YEARS = (3, 5, 10)
#: what became of the top share of the potential founders after some years (columns `top_..._3y` and so on)
FATES = {
    "founders": "Potential founders of the top share by drawn quality since the first month",
    "kept_share": "Share of them who founded here and whose firm is still here after {years} years",
    "kept": "Those who founded here and whose firm is still here after {years} years",
    "producing_outside": "Those of the kept whose firm produces outside",
    "founded_outside": "Those who founded elsewhere",
    "left": "Those whose firm left the region",
    "acquired": "Those whose firm was acquired",
    "failed": "Those whose firm failed",
    "no_rooms": "Those who founded here and have not found rooms, or were lost for want of them",
}
#: the row of outcomes
OUTCOMES = {
    **{name: KEYS[name] for name in ("scenario", "seed")},
    "months": "Months that were simulated",
    "startups_region": "Active startups in the region",
    "listed_region": "Listed firms in the region",
    "registered_region": "Active startups and failed ones still on the register",
    "heads_region": "R&D and production heads of startups and listed firms",
    "rd_heads_region": "R&D heads",
    "production_heads_region": "Production heads kept in the region",
    "entries": "Entrants who found rooms",
    "failures": "Startups that failed",
    "acquisitions": "Startups acquired",
    "listings": "Startups that went public",
    "departures": "Startups that left the region",
    "lost_for_space": "Entrants lost because no rooms were found",
    "deals": "Rounds closed",
    "wage_index": "Wage index of the last month; 1 at the start",
    "moves": "Moves of startups and listed firms",
    "reservations": "Startups that reserved rooms on the list of a zone on offer",
    "applications": "Startups that applied to move there",
    "founded_outside": "Potential founders who founded elsewhere",
    "landed": "Entrants who were brought from abroad",
    "capital_rmb": "Money raised",
    "guided_rmb": "Guided money in it",
    "production_outside_heads": "Production heads of the region's firms elsewhere",
    "last_stage_region": "Startups and listed firms of the last stage",
    "subsidy_rmb": "Rent relief paid",
    "public_cost_rmb": "Public money spent, not discounted; for new space what is paid for building, for guided money the part that is assumed to be lost",
    "public_cost_pv_rmb": "The same, discounted to the first month at 5 % a year",
    **dict.fromkeys(SURVIVAL, SURVIVES),
    **{name: meaning for name, (_unit, meaning) in MEASURES.items()},
    **{
        f"top_{name}_{years}y": told.format(years=years)
        for years in FATE_YEARS
        for name, told in FATES.items()
    },
    **{f"cap_{name}": told for name, told in CAPS.items()},
}
#: closed rounds
DEALS = {
    "segment": "Segment before the round",
    "stage": "Stage before the round",
    "asked_rmb": "Money looked for",
    "raised_rmb": "Money raised",
    "lead_fund": "Position of the first investor in the fund table",
    "investors": "Funds in the round",
}
