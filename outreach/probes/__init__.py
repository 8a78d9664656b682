"""Questions to the world: the DNS, web servers, a spam filter. Bounded in time, they write nothing.

What an answer means is said one floor below, in `diagnosis`; here it is only fetched, and a failure to fetch it is told
apart from a bad answer.
"""
