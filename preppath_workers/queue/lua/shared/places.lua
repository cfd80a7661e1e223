-- Where jobs are that neither wait in line nor run.
local DELAYED, DEAD = base .. 'delayed', base .. 'dead'
