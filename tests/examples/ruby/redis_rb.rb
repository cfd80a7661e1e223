# Adds a job, reads its status, waits for its result and cancels another one, with the gem redis.
require "json"
require "redis"

BASE = "#{ENV.fetch('KEY_PREFIX', 'preppath')}:{tts}:".freeze
REDIS = Redis.new(url: ENV.fetch("REDIS_URL"))
SCRIPTS = Hash.new { |known, name| known[name] = File.read("#{name}.lua") } # preppath-workers script NAME > NAME.lua

def call(name, *words)
  REDIS.eval(SCRIPTS[name], keys: [BASE], argv: ["", *words])
end

# Returns whether the job was added; false if its id exists.
def enqueue(id, data, priority: 50, delay_ms: 0)
  call("enqueue", id, JSON.generate(data), priority, delay_ms) == [1]
end

# Returns the job's fields, or nil if there is no such job.
def status(id)
  _, fields = call("status", id)
  fields && Hash[*fields]
end

# Returns the fields of the job when it has ended.
def wait(id, seconds)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
  loop do
    answer, detail = call("wait", id)
    return Hash[*detail] if answer == "ended"

    left = deadline - Process.clock_gettime(Process::CLOCK_MONOTONIC)
    raise "job #{id} did not end: it is #{detail || answer}" if answer == "unknown" || left <= 0

    REDIS.brpoplpush("#{BASE}ended:#{id}", "#{BASE}ended:#{id}", timeout: left.clamp(1, 30).ceil)
  end
end

2.times { puts "added #{enqueue('q1-v1', { questionId: 'q1', text: 'Why?' }, priority: 1)}" }
puts "state #{status('q1-v1')['state']}"
job = wait("q1-v1", 60)
puts "#{job['state']} #{job['state'] == 'completed' ? job['result'] : job['error']}"
enqueue("q2-v1", { questionId: "q2", text: "How?" }, delay_ms: 60_000)
puts call("cancel", "q2-v1", "", 1).first # 1: also if it runs
