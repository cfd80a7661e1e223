"""What every process needs: forking, liveness, signals, titles, and memory shared with the supervisor."""
